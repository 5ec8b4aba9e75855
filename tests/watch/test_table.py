"""Tests of the table's lines."""

import numpy as np
import pytest
from tests.watch.conftest import layers

from gradclip.watch.layers import Order
from gradclip.watch.table import form_of, heading, row


def test_a_line_has_the_layer_s_numbers():
    given = layers([3.0], names=["w"], after=[0.6], update=[0.05], nonfinite=[1200], zeros=[0.75])
    text = row(given, 0, form_of(given, 90)).plain
    assert text.split() == ["w", "3", "0.6", "0.2", "0.05", "1,200", "75", "%"]


def test_what_is_not_known_is_a_dash_and_nan_is_nan():
    given = layers([np.nan], names=["w"])
    assert row(given, 0, form_of(given, 90)).plain.split() == ["w", "NaN", "NaN", "-", "-"]


@pytest.mark.parametrize(("width", "columns"), [(48, 4), (47, 3), (10, 1)])
def test_columns_that_do_not_fit_are_left_out(width, columns):
    form = form_of(layers([1.0], names=["a.rather.long.name"]), width)
    assert len(form.columns) == columns
    assert form.name_width + 9 * columns <= width


def test_a_long_name_loses_the_letters_of_its_first_words():
    given = layers([1.0], names=["transformer.h.11.mlp.c_proj.weight"])
    assert row(given, 0, form_of(given, 54)).plain.startswith("t.h.11.m.c.weight ")
    assert row(given, 0, form_of(given, 90)).plain.startswith(given.names[0])


def test_the_heading_says_what_orders_it():
    form = form_of(layers([1.0]), 60)
    assert "▼ before" in heading(form, Order(key="before")).plain
    assert heading(form, Order(key="name", rising=True)).plain.startswith("layer ▲")


def test_a_title_s_cells_are_its_column_s():
    form = form_of(layers([1.0]), 60)
    assert [form.column_at(cell) for cell in (0, 16, 59)] == ["name", "before", "update"]

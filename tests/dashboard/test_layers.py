"""Tests of the layer table: by hand, and of two thousand layers."""

import math
import time

import numpy as np
import pytest
from tests.dashboard.conftest import Training, train

import gradclip
from gradclip.dashboard.layers import Layer, read_layers, slice_layers
from gradclip.dashboard.ranges import Slice


def layer(name, place=0, **numbers):
    given = {"last": 1.0, "mean": 3.0, "largest": 5.0, "after": 1.5, "broken": 0} | numbers
    return Layer(place=place, name=name, count=1, shape=(2,), **given)


NAMES = ["m.enc.10.w", "m.enc.9.w", "m.enc.9.b", "m.dec.w", "m.scale"]
LAYERS = [layer(name, place, last=float(place)) for place, name in enumerate(NAMES)]


def names(**asked):
    return [row["name"] for row in slice_layers(LAYERS, Slice(**asked))["rows"]]


def test_the_numbers_are_those_of_the_run(tmp_path):
    train(tmp_path / "mine")
    run, layers = (f(tmp_path / "mine") for f in (gradclip.read_run, gradclip.open_run))
    layers = read_layers(layers)
    norms = run.norms_before
    for place, found in enumerate(layers):
        assert found.last == pytest.approx(norms[-1, place])
        assert found.mean == pytest.approx(norms[:, place].mean())
        assert found.largest == pytest.approx(norms[:, place].max())
        assert found.kept == pytest.approx(run.norms_after[:, place].mean() / found.mean)


def test_layers_of_a_run_without_steps_have_no_numbers(tmp_path):
    training = Training(tmp_path / "mine")
    layers = read_layers(gradclip.open_run(tmp_path / "mine"))
    training.end()
    assert [row["last"] for row in slice_layers(layers, Slice())["rows"]] == [None] * 4


def test_steps_with_norms_that_are_none_are_counted(tmp_path):
    training = Training(tmp_path / "mine").step(3).step(2, size=math.nan)
    layers = read_layers(gradclip.open_run(tmp_path / "mine"))
    training.end()
    assert [found.broken for found in layers] == [2, 2, 2, 2]


def test_a_search_is_of_all_words_in_any_case():
    assert names(search="ENC w") == ["m.enc.10.w", "m.enc.9.w"]
    assert names(search="none") == []


def test_names_are_sorted_as_people_count():
    assert names(sort="name")[1:4] == ["m.enc.9.b", "m.enc.9.w", "m.enc.10.w"]
    assert names(sort="last", falling=True)[0] == "m.scale"


def test_what_is_not_known_comes_last_either_way():
    layers = [layer("a", last=math.nan), layer("b", last=1.0), layer("c", last=math.inf)]
    for falling, expected in ((False, "bca"), (True, "cba")):
        rows = slice_layers(layers, Slice(sort="last", falling=falling))["rows"]
        assert "".join(row["name"] for row in rows) == expected


def test_slices_are_of_the_order_that_was_asked_for():
    found = slice_layers(LAYERS, Slice(first=1, count=2))
    assert (found["total"], [row["place"] for row in found["rows"]]) == (5, [1, 2])


def test_groups_are_the_next_part_of_the_names_and_combine_norms():
    found = slice_layers(LAYERS, Slice(grouped=True))
    assert found["prefix"] == "m."
    assert [(row["name"], row["count"]) for row in found["rows"]] == [
        *(("m.enc.", 3), ("m.dec.w", 1), ("m.scale", 1)),
    ]
    assert found["rows"][0]["last"] == pytest.approx(math.sqrt(0 + 1 + 4), rel=1e-3)
    assert found["rows"][0]["largest"] == 5


def test_a_group_is_entered_by_its_prefix():
    assert names(prefix="m.enc.", grouped=True) == ["m.enc.10.w", "m.enc.9."]
    assert names(prefix="m.enc.9.", grouped=True) == ["m.enc.9.w", "m.enc.9.b"]


@pytest.mark.parametrize("alike", [["a.", "a."], ["", ""], ["..", ".."], ["a"], []])
def test_strange_names_end_the_search_for_a_prefix(alike):
    found = slice_layers([layer(name) for name in alike], Slice(grouped=True))
    assert sum(row["count"] for row in found["rows"]) == len(alike)


def test_two_thousand_layers_are_a_matter_of_milliseconds():
    rng = np.random.default_rng(0)
    layers = [layer(f"m.{i // 8}.{i % 8}.w", i, last=float(rng.random())) for i in range(2000)]
    begin = time.perf_counter()
    for asked in (Slice(sort="last"), Slice(sort="name"), Slice(grouped=True), Slice(search="7")):
        slice_layers(layers, asked)
    assert time.perf_counter() - begin < 0.5

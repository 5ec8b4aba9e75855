"""Tests of the heat map's cells."""

import numpy as np
from tests.report.conftest import facts_of, write_run

from gradclip.report.facts import gather
from gradclip.report.grid import MAX_COLUMNS, MAX_ROWS, view_layers


def test_a_cell_is_a_hundred_times_the_logarithm(facts):
    found = view_layers(facts)
    assert [row["name"] for row in found["rows"]] == ["w1", "w2"]
    assert found["before"][0] == [160, 48, 30, 0]  # of 40, 3, 2 and 1
    assert found["after"][0][0] == 108  # of 12
    assert (found["start"], found["end"]) == ([160, 148], [0, 30])
    assert found["updates"] is None


def test_zeros_and_what_is_not_finite_have_cells_of_their_own(broken_run):
    found = view_layers(gather("broken", broken_run))
    assert found["before"] == [[0, "!", "!", "0"], [0, 0, 0, 0]]


def test_many_layers_share_rows_and_the_largest_is_shown(tmp_path):
    norms = np.full((2, 1000), 1e-3)
    norms[1, 500] = 10.0
    names = [f"w{i}" for i in range(1000)]
    found = view_layers(facts_of(tmp_path / "run", norms, names=names))
    assert len(found["rows"]) == MAX_ROWS
    assert sum(row["layers"] for row in found["rows"]) == 1000
    assert found["rows"][0]["name"] == "w0 \N{EN DASH} w9"
    assert [max(row) for row in found["before"]].count(100) == 1


def test_many_steps_share_columns(tmp_path):
    run = write_run(tmp_path / "run", np.ones((500, 1)))
    found = view_layers(gather("run", run, 1000))
    assert len(found["steps"]) == MAX_COLUMNS
    assert len(found["before"][0]) == MAX_COLUMNS
    assert found["start"] == [0]


def test_updates_have_steps_of_their_own(measured_run):
    updates = view_layers(gather("run", measured_run))["updates"]
    assert updates == {"steps": [0, 2], "norms": [[-200, -152]], "ratios": [[-300, -252]]}


def test_a_run_without_steps_or_parameters_has_no_cells(tmp_path, empty_run):
    assert view_layers(gather("empty", empty_run))["before"] == [[], []]
    none = view_layers(facts_of(tmp_path / "run", np.zeros((2, 0))))
    assert none["rows"] == none["before"] == none["start"] == []

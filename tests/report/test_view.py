"""Tests of the data that the page's charts draw."""

import json

import numpy as np
from tests.report.conftest import write_run

from gradclip.report.view import escape_json, view_run


def test_a_short_run_is_shown_step_by_step(run):
    shown = view_run("run", run, 1000)
    assert (shown["schema"], shown["name"], shown["numSteps"]) == (1, "run", 4)
    assert shown["steps"] == [0, 1, 2, 3]
    assert shown["limit"] == 15
    assert shown["parameters"][0]["before"] == {"mean": [40, 3, 2, 1], "marks": {}}


def test_a_long_run_keeps_its_extremes(run):
    shown = view_run("run", run, 2)
    assert shown["steps"] == [0, 2]
    assert shown["lastStep"] == 3
    before = shown["parameters"][0]["before"]
    assert before == {"mean": [21.5, 1.5], "low": [3, 1], "high": [40, 2], "marks": {}}


def test_zeros_and_non_finite_values_are_marked(broken_run):
    before = view_run("run", broken_run, 1000)["parameters"][0]["before"]
    assert before["mean"] == [1, None, None, 0]
    assert before["marks"] == {"zero": [[3, 1]], "nan": [[1, 1]], "infinity": [[2, 1]]}


def test_clipped_and_skipped_steps_are_counted_by_point(tmp_path):
    norms = [[40.0], [1.0], [30.0], [50.0], [1.0]]
    run = write_run(tmp_path / "run", norms, skipped=lambda step: step == 3)
    shown = view_run("run", run, 2)
    assert shown["steps"] == [0, 2] or shown["steps"] == [0, 3]
    assert sum(count for _, count in shown["clipped"]) == 2
    assert shown["skipped"] == [[1, 1]]


def test_biases_belong_to_the_layer_before_them(run):
    shown = view_run("run", run, 1000)
    kinds = [(p["name"], p["kind"], p["layer"]) for p in shown["parameters"]]
    assert kinds == [("w1", "weight", 0), ("b1", "bias", 0), ("w2", "weight", 1), ("b2", "bias", 1)]


def test_no_limit_is_null(tmp_path):
    run = write_run(tmp_path / "run", [[1.0], [2.0]], limit=None)
    assert view_run("run", run, 10)["limit"] is None


def test_a_limit_that_moves_has_a_value_at_each_point(tmp_path):
    run = write_run(tmp_path / "run", [[1.0], [2.0]], limit=lambda step: 5.0 + step)
    assert view_run("run", run, 10)["limit"] == [5, 6]


def test_a_limit_of_each_parameter_is_read_from_the_policy(run, tmp_path):
    assert view_run("run", run, 10)["parameterLimit"] is None
    assert view_run("own", with_policy(run, "norm=0.5"), 10)["parameterLimit"] == 0.5


def test_a_policy_that_is_not_ours_has_no_limit_of_parameters(run):
    assert view_run("run", with_policy(run, "theirs"), 10)["parameterLimit"] is None


def with_policy(run, policy):
    path = run.path / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"policy": policy}))
    run.refresh()
    return run


def test_a_run_without_steps_can_be_shown(empty_run):
    shown = view_run("run", empty_run, 1000)
    assert shown["steps"] == []
    assert json.dumps(shown, allow_nan=False)


def test_a_run_without_parameters_can_be_shown(tmp_path):
    shown = view_run("run", write_run(tmp_path / "run", np.zeros((3, 0))), 10)
    assert shown["parameters"] == shown["table"]["rows"] == []


def test_ratios_of_updates_stand_at_their_steps(measured_run):
    shown = view_run("run", measured_run, 10)
    assert shown["parameters"][0]["ratios"] == [0.001, 0.003]
    assert shown["layers"]["updates"]["steps"] == [0, 2]


def test_many_parameters_have_rows_and_few_have_lines(tmp_path):
    names = [f"{'wb'[i % 2]}{i}" for i in range(300)]
    shown = view_run("run", write_run(tmp_path / "run", np.ones((2, 300)), names=names), 10)
    assert len(shown["parameters"]) == 48
    assert {parameter["kind"] for parameter in shown["parameters"]} == {"weight"}
    assert len(shown["table"]["rows"]) == 300


def test_a_name_cannot_end_the_script_element(tmp_path):
    name = "w</script><script>alert(1)</script>&<!--"
    shown = view_run(name, write_run(tmp_path / "run", [[1.0]], names=[name]), 10)
    text = escape_json(shown)
    assert not set("<>&") & set(text)
    assert json.loads(text) == shown

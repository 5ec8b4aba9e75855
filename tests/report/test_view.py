"""Tests of the data that the page's charts draw."""

import json
from dataclasses import replace

import numpy as np
from tests.report.conftest import write_run

from gradclip.report.view import to_json, view


def test_a_short_run_is_shown_step_by_step(run):
    (shown,) = view({"run": run}, 1000)
    assert shown["steps"] == [0, 1, 2, 3]
    assert shown["limit"] == 15
    assert shown["parameters"][0]["before"] == {"mean": [40, 3, 2, 1], "marks": {}}
    assert shown["parameters"][0]["ends"] == [40, 1]


def test_a_long_run_keeps_its_extremes(run):
    (shown,) = view({"run": run}, 2)
    assert shown["steps"] == [0, 2]
    assert shown["lastStep"] == 3
    before = shown["parameters"][0]["before"]
    assert before == {"mean": [21.5, 1.5], "low": [3, 1], "high": [40, 2], "marks": {}}


def test_zeros_and_non_finite_values_are_marked(broken_run):
    (shown,) = view({"run": broken_run}, 1000)
    before = shown["parameters"][0]["before"]
    assert before["mean"] == [1, None, None, 0]
    assert before["marks"] == {"zero": [[3, 1]], "nan": [[1, 1]], "infinity": [[2, 1]]}


def test_biases_belong_to_the_layer_before_them(run):
    (shown,) = view({"run": run}, 1000)
    kinds = [(p["name"], p["kind"], p["layer"]) for p in shown["parameters"]]
    assert kinds == [("w1", "weight", 0), ("b1", "bias", 0), ("w2", "weight", 1), ("b2", "bias", 1)]


def test_no_limit_is_null(tmp_path):
    (shown,) = view({"run": write_run(tmp_path / "run", [[1.0], [2.0]], limit=None)}, 10)
    assert shown["limit"] is None


def test_a_limit_of_each_parameter_is_read_from_the_policy(run):
    (shown,) = view({"run": run}, 10)
    assert shown["parameterLimit"] is None
    own = replace(run, metadata=replace(run.metadata, policy="norm=0.5"))
    (shown,) = view({"run": own}, 10)
    assert shown["parameterLimit"] == 0.5


def test_a_policy_that_is_not_ours_has_no_limit_of_parameters(run):
    (shown,) = view({"run": replace(run, metadata=replace(run.metadata, policy="theirs"))}, 10)
    assert shown["parameterLimit"] is None


def test_a_run_without_steps_can_be_shown(empty_run):
    (shown,) = view({"run": empty_run}, 1000)
    assert shown["steps"] == []


def test_the_data_stay_below_their_budget(tmp_path):
    norms = np.random.default_rng(0).lognormal(size=(3000, 40))
    text = to_json({"run": write_run(tmp_path / "run", norms)}, max_bytes=50_000)
    assert 40_000 < len(text) <= 50_000


def test_a_name_cannot_end_the_script_element(tmp_path):
    name = "w</script><script>alert(1)</script>&<!--"
    text = to_json({name: write_run(tmp_path / "run", [[1.0]], names=[name])})
    assert not set("<>&") & set(text)
    assert json.loads(text)[0]["parameters"][0]["name"] == name

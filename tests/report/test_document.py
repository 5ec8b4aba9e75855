"""Tests of the report as JSON."""

import json

import jsonschema
import numpy as np
import pytest
from tests.report.conftest import write_run

from gradclip.report.document import document, document_schema, render_json


@pytest.fixture
def check():
    schema = document_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).validate


def test_every_kind_of_run_is_as_the_schema_says(run, broken_run, empty_run, measured_run, check):
    runs = {"run": run, "broken": broken_run, "empty": empty_run, "measured": measured_run}
    check(json.loads(render_json(runs)))


def test_a_long_run_with_a_spike_is_as_the_schema_says(tmp_path, check):
    norms = np.ones((1000, 2))
    norms[700] = 90.0
    found = document({"run": write_run(tmp_path / "run", norms)})
    check(found)
    (run,) = found["runs"]
    assert run["figures"]["spike"]["step"] == 700
    assert max(run["series"]["global_norm_before"]["high"]) == pytest.approx(90 * 2**0.5)
    assert 200 < len(run["series"]["first_steps"]) <= 400


def test_the_figures_are_whole_numbers_and_floats(run):
    (found,) = document({"run": run})["runs"]
    assert found["figures"]["clipped"] == 1
    assert found["figures"]["layers"]["ratios"] == [pytest.approx(4 / 3), 0.5]
    assert found["parameters"][0]["shape"] == [4, 4]
    assert found["parameters"][0]["update_ratio"] is None
    assert found["metadata"]["arguments"] == {"hidden": [256, 128], "lr": 0.01}


def test_the_properties_are_frozen():
    # A change of these is a change of the schema's number.
    defined = document_schema()["$defs"]
    assert {name: len(entry.get("properties", ())) for name, entry in defined.items()} == {
        "run": 9,
        "figures": 20,
        "pair": 0,
        "parameter": 9,
        "thresholds": 5,
        "series": 8,
        "column": 4,
    }

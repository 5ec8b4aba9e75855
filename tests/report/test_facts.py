"""Tests of what a report reads of a run."""

import numpy as np
from tests.report.conftest import write_run

from gradclip.report.facts import gather, layers_of


def test_a_long_run_is_read_in_buckets_and_its_ends_exactly(tmp_path):
    facts = gather("run", write_run(tmp_path / "run", np.arange(1.0, 101.0)[:, None]), 10)
    assert len(facts.thin.steps) == 10
    assert (facts.start.tolist(), facts.end.tolist()) == ([1.0], [100.0])
    assert len(facts.numbers.steps) == 100


def test_a_run_without_steps_has_unknown_ends(empty_run):
    facts = gather("empty", empty_run)
    assert np.isnan(facts.start).all()
    assert facts.updates is None


def test_without_weights_every_parameter_is_a_layer(tmp_path):
    run = write_run(tmp_path / "run", [[1.0, 2.0]], names=["b1", "b2"])
    assert layers_of(run.metadata.parameters) == [0, 1]

"""Tests of choosing the network's framework."""

import sys

import pytest

from gradclip.errors import MissingFrameworkError
from gradclip.experiments.experiment import Experiment
from gradclip.experiments.models import build_model
from gradclip.experiments.weights import draw_weights


@pytest.mark.parametrize("framework", ["torch", "tensorflow", "jax", "keras"])
def test_a_missing_framework_is_answered_with_the_line_that_installs_it(framework, monkeypatch):
    for module in list(sys.modules):
        if module.startswith(("gradclip.experiments.models.", f"gradclip.{framework}")):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, framework, None)  # as if it were not installed
    experiment = Experiment(framework=framework)
    with pytest.raises(MissingFrameworkError, match=rf'pip install "gradclip\[{framework}\]"'):
        build_model(experiment, draw_weights(experiment))


def test_a_network_takes_over_the_weights_and_gives_them_back(framework):
    experiment = Experiment(framework=framework, hidden=(7, 5))
    weights = draw_weights(experiment)
    returned = build_model(experiment, weights).weights()
    assert [w.shape for w in returned] == [w.shape for w in weights]
    assert all((mine == given).all() for mine, given in zip(returned, weights, strict=True))

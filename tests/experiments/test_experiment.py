"""Tests of an experiment's choices."""

import math

import pytest

from gradclip import GlobalNorm, Value
from gradclip.errors import ConfigurationError
from gradclip.experiments.experiment import Experiment


def test_the_defaults_are_the_first_posts_program():
    experiment = Experiment()
    assert experiment.widths == (784, 256, 128, 10)
    assert (experiment.lr, experiment.batch_size, experiment.input_scale) == (0.01, 128, 50.0)
    assert (experiment.activation, experiment.loss, experiment.optimizer) == ("relu", "mse", "sgd")
    assert (experiment.policy, experiment.limit) == (GlobalNorm(15.0), 15.0)


@pytest.mark.parametrize("clip", [None, "none"])
def test_clipping_can_be_off(clip):
    experiment = Experiment(clip=clip)
    assert (experiment.policy, experiment.limit) == (None, None)


def test_only_a_global_norm_is_a_limit_of_the_global_norm():
    experiment = Experiment(clip="value=0.5")
    assert (experiment.policy, experiment.limit) == (Value(0.5), None)


def test_depth_repeats_the_last_hidden_width():
    assert Experiment(hidden=(64, 32), depth=3).widths == (784, 32, 32, 32, 10)


@pytest.mark.parametrize(
    "name", ["framework", "optimizer", "activation", "init", "loss", "clipper"]
)
def test_an_unknown_choice_is_refused_with_the_choices(name):
    with pytest.raises(ConfigurationError, match=rf"`{name}` must be one of .*, .*, got 'other'"):
        Experiment(**{name: "other"})


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"steps": 0},
        {"batch_size": -1},
        {"hidden": ()},
        {"hidden": (8, 0)},
        {"depth": 0},
        {"seed": -1},
        {"lr": -0.1},
        {"lr": math.nan},
        {"lr": math.inf},
        {"input_scale": 0.0},
        {"input_scale": math.nan},
        {"clip": "global-norm=-1"},
        {"clip": "global-norn=1"},
    ],
)
def test_a_value_out_of_range_is_refused(change):
    with pytest.raises(ConfigurationError, match="got"):
        Experiment(**change)


def test_numpy_has_no_native_clipping():
    with pytest.raises(ConfigurationError, match="NumPy has no clipping of its own"):
        Experiment(framework="numpy", clipper="native")


@pytest.mark.parametrize("clip", [None, "value=1"])
def test_native_clipping_needs_a_global_norm(clip):
    with pytest.raises(ConfigurationError, match="`native` clips by global-norm=THRESHOLD only"):
        Experiment(clipper="native", clip=clip)

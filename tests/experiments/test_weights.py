"""Tests of the initial weights."""

import numpy as np
import pytest

from gradclip.experiments.experiment import Experiment
from gradclip.experiments.weights import draw_weights, parameters


def test_parameters_are_named_layer_by_layer():
    named = [(p.name, p.shape) for p in parameters(Experiment(hidden=(5,)))]
    assert named == [("w1", (784, 5)), ("b1", (5,)), ("w2", (5, 10)), ("b2", (10,))]


def test_weights_have_the_parameters_shapes_and_biases_are_zero():
    weights = draw_weights(Experiment())
    assert [w.shape for w in weights] == [p.shape for p in parameters(Experiment())]
    assert all(w.dtype == np.float32 for w in weights)
    assert not any(bias.any() for bias in weights[1::2])


def test_the_same_seed_draws_the_same_weights_and_another_seed_others():
    first, again, other = (draw_weights(Experiment(seed=seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_choices_that_do_not_concern_weights_do_not_change_them():
    first = draw_weights(Experiment())
    second = draw_weights(Experiment(clip=None, optimizer="adam", lr=1.0, framework="numpy"))
    np.testing.assert_array_equal(first[0], second[0])


def test_truncated_normals_are_cut_at_two_standard_deviations():
    weights = draw_weights(Experiment())[0]
    assert 0.199 < np.abs(weights).max() <= np.float32(0.2)
    assert weights.std() == pytest.approx(0.1 * 0.8796, rel=0.01)


@pytest.mark.parametrize(
    ("init", "variance"), [("glorot", 2 / (784 + 256)), ("he", 2 / 784), ("lecun", 1 / 784)]
)
def test_scaled_inits_have_their_papers_variance(init, variance):
    weights = draw_weights(Experiment(init=init))[0]
    assert weights.var() == pytest.approx(variance, rel=0.02)
    assert weights.mean() == pytest.approx(0.0, abs=1e-3)

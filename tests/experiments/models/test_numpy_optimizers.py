"""Tests of the optimizers by hand."""

import numpy as np
import pytest

from gradclip.experiments.models.numpy_optimizers import build_update


def apply(optimizer, gradients, lr=0.1):
    weights = [np.array([1.0])]
    update = build_update(optimizer, lr, weights)
    for gradient in gradients:
        update.apply(weights, [np.array([gradient])])
    return weights[0][0]


def test_gradient_descent_subtracts_the_gradient_times_the_rate():
    assert apply("sgd", [1.0, 2.0]) == pytest.approx(1 - 0.1 - 0.2)


def test_momentum_adds_nine_tenths_of_the_past():
    assert apply("momentum", [1.0, 2.0]) == pytest.approx(1 - 0.1 - 0.1 * (0.9 + 2))


@pytest.mark.parametrize("gradient", [1e-3, 1.0, 1e6])
def test_adams_first_step_is_the_learning_rate_whatever_the_gradient(gradient):
    assert apply("adam", [gradient]) == pytest.approx(0.9, abs=1e-5)


def test_adam_follows_its_formula():
    mean = 0.1 * (0.9 * 1.0 + 2.0) / (1 - 0.9**2)
    square = 0.001 * (0.999 * 1.0 + 4.0) / (1 - 0.999**2)
    expected = 0.9 - 0.1 * mean / (np.sqrt(square) + 1e-8)
    assert apply("adam", [1.0, 2.0]) == pytest.approx(expected, rel=1e-7)

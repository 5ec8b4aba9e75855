"""Tests of the backward pass by hand."""

import itertools

import numpy as np
import pytest

from gradclip.experiments.experiment import Experiment
from gradclip.experiments.models.numpy import Network
from gradclip.experiments.models.numpy_layers import ACTIVATIONS, LOSSES
from gradclip.experiments.weights import draw_weights

STEP = 1e-6  # of the central differences: its square and the rounding error / it balance


def difference_quotients(network, images, labels):
    """Return the gradients by central differences."""
    gradients = []
    for weight in network._weights:
        gradient = np.zeros_like(weight)
        for index in np.ndindex(weight.shape):
            original = weight[index]
            weight[index] = original + STEP
            above = network.gradients(images, labels)[0]
            weight[index] = original - STEP
            below = network.gradients(images, labels)[0]
            weight[index] = original
            gradient[index] = (above - below) / (2 * STEP)
        gradients.append(gradient)
    return gradients


@pytest.mark.parametrize(("activation", "loss"), list(itertools.product(ACTIVATIONS, LOSSES)))
def test_gradients_equal_finite_differences(activation, loss):
    rng = np.random.default_rng(0)
    shapes = [(6, 5), (5,), (5, 4), (4,), (4, 3), (3,)]
    weights = [rng.standard_normal(shape) for shape in shapes]
    network = Network(Experiment(framework="numpy", activation=activation, loss=loss), weights)
    images, labels = rng.standard_normal((7, 6)), rng.integers(0, 3, 7, dtype=np.uint8)
    gradients = network.gradients(images, labels)[2]
    for gradient, expected in zip(
        gradients, difference_quotients(network, images, labels), strict=True
    ):
        assert gradient.dtype == np.float64
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_and_derivatives_keep_float32(activation):
    z = np.linspace(-3, 3, 7, dtype=np.float32)
    assert ACTIVATIONS[activation].value(z).dtype == np.float32
    assert ACTIVATIONS[activation].derivative(z).dtype == np.float32


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_of_large_arguments_are_finite(activation):
    z = np.float32([-1e4, 1e4])
    with np.errstate(over="raise", invalid="raise"):
        assert np.isfinite(ACTIVATIONS[activation].value(z)).all()
        assert np.isfinite(ACTIVATIONS[activation].derivative(z)).all()


def test_the_mean_squared_error_is_a_mean_over_all_entries():
    outputs, targets = np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 1.0]])
    loss, gradient = LOSSES["mse"](outputs, targets)
    assert loss == 1.5
    np.testing.assert_allclose(gradient, [[0.5, 1.0], [0.0, -0.5]])


def test_the_weights_that_came_in_are_not_touched(small_data):
    experiment = Experiment(framework="numpy")
    weights = draw_weights(experiment)
    network = Network(experiment, weights)
    network.step(small_data.train_images.astype(np.float32), small_data.train_labels)
    assert not weights[1].any()
    assert network.weights()[1].any()

"""Tests that all frameworks compute the same."""

import numpy as np
import pytest

from gradclip.experiments import Experiment, Training

pytestmark = pytest.mark.slow

CHOICES = [
    {"activation": "relu", "optimizer": "sgd", "loss": "cross-entropy"},
    {"activation": "sigmoid", "optimizer": "adam", "loss": "mse"},
    {"activation": "tanh", "optimizer": "momentum", "loss": "cross-entropy"},
    {"activation": "selu", "optimizer": "sgd", "loss": "mse"},
    {"activation": "elu", "optimizer": "adam", "loss": "cross-entropy"},
    {"activation": "gelu", "optimizer": "momentum", "loss": "mse"},
    {"activation": "leaky-relu", "optimizer": "sgd", "loss": "cross-entropy"},
    {"activation": "identity", "optimizer": "adam", "loss": "cross-entropy"},
]
CLIPPINGS = ["none", "global-norm=0.5", "norm=0.1", "average-norm=1e-4", "block-rms=0.01"]
CLIPPINGS += ["value=0.01", "agc=0.02"]


def train(data, **choices):
    training = Training(Experiment(**choices), data)
    return training, list(training.steps())


def assert_same(framework, data, **choices):
    training, records = train(data, framework=framework, **choices)
    reference, expected = train(data, framework="numpy", **choices)
    for record, other in zip(records, expected, strict=True):
        assert record.loss == pytest.approx(other.loss, rel=1e-4)
        assert record.accuracy == pytest.approx(other.accuracy, abs=1e-6)
        np.testing.assert_allclose(record.norms_before, other.norms_before, rtol=1e-3, atol=1e-7)
        np.testing.assert_allclose(record.norms_after, other.norms_after, rtol=1e-3, atol=1e-7)
    for mine, given in zip(training.model.weights(), reference.model.weights(), strict=True):
        # Adam turns the smallest gradients' rounding errors into parts of a step of 0.01.
        np.testing.assert_allclose(mine, given, rtol=1e-3, atol=2e-4)
    assert training.evaluate() == reference.evaluate()


@pytest.mark.parametrize("choices", CHOICES, ids=lambda choices: choices["activation"])
def test_every_activation_optimizer_and_loss_means_the_same(framework, small_data, choices):
    assert_same(
        framework, small_data, hidden=(16, 8), batch_size=32, steps=6, init="lecun", **choices
    )


@pytest.mark.parametrize("clip", CLIPPINGS)
def test_every_clipping_means_the_same(framework, small_data, clip):
    assert_same(framework, small_data, hidden=(16, 8), batch_size=32, steps=3, clip=clip)


@pytest.fixture(scope="module")
def reference(mnist):
    """The losses of NumPy in the post's setting."""
    return [record.loss for record in train(mnist, framework="numpy", steps=300)[1]]


def test_the_first_300_losses_of_the_posts_setting_agree(framework, mnist, reference):
    _, records = train(mnist, framework=framework, steps=300)
    losses = [record.loss for record in records]
    np.testing.assert_allclose(losses, reference, rtol=0, atol=1e-3)
    assert records[0].global_norm_before > 15
    assert records[0].global_norm_after == pytest.approx(15, rel=5e-7)

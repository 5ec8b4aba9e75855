"""The clipping optimizer on whatever backend Keras was imported with; see test_backends.py."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import gradclip  # noqa: E402 - after Keras
from gradclip.keras import ClippedOptimizer  # noqa: E402

BACKEND = keras.backend.backend()
pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(BACKEND == "numpy", reason="NumPy does not differentiate"),
]
TARGETS = np.array([[1.0], [-2.0], [0.5]], "float32")


def data(rows=32):
    inputs = np.random.default_rng(0).normal(size=(rows, 3)).astype("float32")
    return inputs, inputs @ TARGETS


def model(optimizer, **options):
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    network.compile(optimizer, "mse", **options)
    return network


def values(variables):
    return [variable.numpy() for variable in variables]


def same(first, second):
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True))


def test_fit_clips_as_keras_does():
    inputs, targets = data()
    ours = model(ClippedOptimizer(keras.optimizers.Adam(0.1), gradclip.GlobalNorm(0.5)))
    theirs = model(keras.optimizers.Adam(0.1, global_clipnorm=0.5))
    for network in (ours, theirs):
        network.fit(inputs, targets, epochs=3, batch_size=8, verbose=0, shuffle=False)
    pairs = zip(values(ours.trainable_variables), values(theirs.trainable_variables), strict=True)
    assert all(np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in pairs)
    assert int(ours.optimizer.iterations) == 12


def test_a_bad_batch_changes_nothing_but_the_counts():
    inputs, targets = data()
    network = model(ClippedOptimizer(keras.optimizers.Adam(0.1), "zclip"))
    network.fit(inputs, targets, verbose=0)
    held = [*network.trainable_variables, *network.optimizer.inner_optimizer.variables]
    before = values(held)
    network.fit(inputs * np.nan, targets, verbose=0)
    assert same(before, values(held))
    assert bool(network.optimizer.report.skipped)


@pytest.mark.parametrize("policy", ["zclip", "autoclip", "adagc", "spam", "agc", "value=0.1"])
def test_a_saved_model_goes_on_as_if_nothing_had_happened(policy, tmp_path):
    inputs, targets = data()
    network = model(ClippedOptimizer(keras.optimizers.Adam(0.1), policy))
    network.fit(inputs, targets, epochs=2, batch_size=8, verbose=0, shuffle=False)
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.policy == network.optimizer.policy
    for each in (network, loaded):
        each.fit(inputs, targets, epochs=2, batch_size=8, verbose=0, shuffle=False)
    assert same(values(network.optimizer.variables), values(loaded.optimizer.variables))
    assert same(values(network.trainable_variables), values(loaded.trainable_variables))

"""A tiny model, and what tests ask of it."""

import numpy as np

TARGETS = np.array([[1.0], [-2.0], [0.5]], "float32")


def data(rows=32):
    """Return inputs and targets of a linear relation."""
    inputs = np.random.default_rng(0).normal(size=(rows, 3)).astype("float32")
    return inputs, inputs @ TARGETS


def compiled(optimizer, **options):
    """Return a model of two layers, always from the same weights."""
    import keras  # noqa: PLC0415 - the backend is chosen by then

    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    network.compile(optimizer, "mse", **options)
    return network


def fit(network, inputs=None, epochs=2):
    """Train on four batches an epoch, in order; return the model."""
    given, targets = data()
    inputs = given if inputs is None else inputs
    network.fit(
        inputs, targets[: len(inputs)], epochs=epochs, batch_size=8, verbose=0, shuffle=False
    )
    return network


def bad(rows=32):
    """Return inputs of which one holds NaN."""
    inputs, _ = data(rows)
    inputs[1, 0] = np.nan
    return inputs


def values(variables):
    """Return the variables' values."""
    return [np.array(variable.numpy()) for variable in variables]


def same(first, second):
    """Tell whether two lists of arrays are equal to the bit."""
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True))


def close(first, second):
    """Tell whether two models have the same weights, but for rounding."""
    pairs = zip(values(first.trainable_variables), values(second.trainable_variables), strict=True)
    return all(np.allclose(a, b, rtol=1e-4, atol=2e-6) for a, b in pairs)

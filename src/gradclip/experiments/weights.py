"""The weights that training starts from, drawn once for every framework."""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gradclip.experiments.experiment import Experiment
from gradclip.record import Parameter

Weights = NDArray[np.float32]
STDDEV = 0.1  # of `truncated-normal`, as the first post has it
_CUT = 2.0  # standard deviations, as in TensorFlow and Keras
_CUT_STDDEV = 0.87962566103423978  # of a standard normal cut at 2: scipy.stats.truncnorm.std(-2, 2)


def parameters(experiment: Experiment) -> tuple[Parameter, ...]:
    """Return the names and shapes of an experiment's parameters, layer by layer.

    Example:
        >>> [(p.name, p.shape) for p in parameters(Experiment())][:3]
        [('w1', (784, 256)), ('b1', (256,)), ('w2', (256, 128))]
    """
    widths = experiment.widths
    result = []
    for layer, shape in enumerate(pairwise(widths), start=1):
        result += [Parameter(f"w{layer}", shape), Parameter(f"b{layer}", shape[1:])]
    return tuple(result)


def draw_weights(experiment: Experiment) -> list[Weights]:
    """Draw an experiment's initial weights from its seed.

    Args:
        experiment: What they are for.

    Returns:
        A float32 array for each of `parameters`: weights (inputs, outputs), zero biases.

    Example:
        >>> weights = draw_weights(Experiment(seed=1))
        >>> bool(abs(weights[0]).max() <= 0.2), float(weights[1].max())
        (True, 0.0)
    """
    rng = np.random.default_rng([experiment.seed, 0])
    return [
        _matrix(rng, (parameter.shape[0], parameter.shape[1]), experiment)
        if len(parameter.shape) > 1
        else np.zeros(parameter.shape, np.float32)
        for parameter in parameters(experiment)
    ]


def _matrix(rng: np.random.Generator, shape: tuple[int, int], experiment: Experiment) -> Weights:
    """Draw one layer's weights."""
    inputs, outputs = shape
    if experiment.init == "glorot":
        values = math.sqrt(6 / (inputs + outputs)) * rng.uniform(-1, 1, shape)
        return values.astype(np.float32)
    stddevs = {
        "truncated-normal": STDDEV,
        "he": math.sqrt(2 / inputs) / _CUT_STDDEV,
        "lecun": math.sqrt(1 / inputs) / _CUT_STDDEV,
    }
    return (stddevs[experiment.init] * _truncated_normal(rng, shape)).astype(np.float32)


def _truncated_normal(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Draw standard normals; those beyond two standard deviations are drawn again."""
    values = rng.standard_normal(shape)
    while (beyond := np.abs(values) > _CUT).any():
        values[beyond] = rng.standard_normal(int(beyond.sum()))
    return values

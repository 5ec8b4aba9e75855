"""The reference network, once in each framework."""

import importlib
import importlib.util
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gradclip.errors import MissingFrameworkError
from gradclip.experiments.experiment import Experiment
from gradclip.experiments.model import Model


def build_model(experiment: Experiment, weights: Sequence[NDArray[np.float32]]) -> Model:
    """Build the network in the experiment's framework, which is imported only now.

    Args:
        experiment: What is trained.
        weights: What it starts from, as `draw_weights` returns it.

    Returns:
        The network.

    Raises:
        MissingFrameworkError: The framework is not installed; it names the line that installs it.

    Example:
        >>> from gradclip.experiments.weights import draw_weights
        >>> experiment = Experiment(framework="numpy")
        >>> model = build_model(experiment, draw_weights(experiment))
        >>> model.step(np.ones((1, 784), np.float32), np.uint8([3])).skipped
        False
    """
    return network_class(experiment.framework)(experiment, weights)


def network_class(framework: str) -> type[Model]:
    """Import a framework, and return the class of the network in it.

    Args:
        framework: One of those that an experiment may name.

    Returns:
        The class.

    Raises:
        MissingFrameworkError: The framework is not installed; it names the line that installs it.

    Example:
        >>> network_class("numpy").device
        'cpu'
    """
    try:
        module = importlib.import_module(f"gradclip.experiments.models.{framework}")
    except ModuleNotFoundError as error:
        msg = (
            f"{framework} needs {error.name}, which is not installed. Install it with:\n"
            f'  pip install "gradclip[{_extras(framework)}]"'
        )
        raise MissingFrameworkError(msg) from error
    network: type[Model] = module.Network
    return network


def _extras(framework: str) -> str:
    """Return the extras that a framework needs; Keras computes with another one."""
    if framework == "keras" and importlib.util.find_spec("tensorflow") is None:
        return "keras,tensorflow"
    return framework

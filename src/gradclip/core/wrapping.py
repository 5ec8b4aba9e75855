"""What an optimizer's wrapper leaves to the optimizer, and what it expects of it."""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from gradclip.core.namespace import Array
from gradclip.core.policies.run import Gradients
from gradclip.errors import ConfigurationError

_OWN_CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")  # arguments of Keras' optimizers


class Wrapper:
    """Look up in the wrapped optimizer what the wrapper does not define, and set it there.

    Args:
        optimizer: The wrapped optimizer.

    Example:
        >>> import types
        >>> wrapper = Wrapper(types.SimpleNamespace(learning_rate=0.1))
        >>> wrapper.learning_rate = 0.2
        >>> wrapper.optimizer.learning_rate
        0.2
    """

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer

    def __getattr__(self, name: str) -> Any:
        if name == "optimizer":  # not there yet while being copied
            raise AttributeError(name)
        return getattr(self.optimizer, name)

    def __setattr__(self, name: str, value: Any) -> None:
        wrapped = self.__dict__.get("optimizer")
        own = name in self.__dict__ or hasattr(type(self), name) or name.startswith("_")
        if wrapped is not None and not own and hasattr(wrapped, name):
            setattr(wrapped, name, value)
        else:
            super().__setattr__(name, value)


def split(grads_and_vars: Iterable[tuple[Array | None, Array]]) -> tuple[Gradients, list[Array]]:
    """Return gradients and variables.

    Args:
        grads_and_vars: The pairs, read once.

    Returns:
        Two lists of the same length.

    Raises:
        ConfigurationError: Every gradient is None, or there are none.

    Example:
        >>> split([(None, "bias"), (0.5, "weight")])
        ([None, 0.5], ['bias', 'weight'])
    """
    pairs = list(grads_and_vars)
    if all(gradient is None for gradient, _ in pairs):
        msg = (
            f"At least one gradient must not be None, got none for {len(pairs)} variables. "
            "Does the loss depend on the variables?"
        )
        raise ConfigurationError(msg)
    return [gradient for gradient, _ in pairs], [variable for _, variable in pairs]


def check_unscaled(optimizer: object) -> None:
    """Raise if an optimizer divides gradients by a scale that the loss was not multiplied by.

    Raises:
        ConfigurationError: It is Keras' LossScaleOptimizer.
    """
    if any(kind.__name__ == "LossScaleOptimizer" for kind in type(optimizer).__mro__):
        msg = (
            f"`optimizer` must take unscaled gradients, got {optimizer!r}. "
            "Wrap its `inner_optimizer`; nonfinite='skip' drops steps that overflowed."
        )
        raise ConfigurationError(msg)


def wrapped(optimizer: Any) -> Iterator[Any]:
    """Yield an optimizer and those inside it, the innermost last.

    Args:
        optimizer: The outermost one.

    Yields:
        Optimizers, each the `inner_optimizer` of the one before.
    """
    while optimizer is not None:
        yield optimizer
        optimizer = getattr(optimizer, "inner_optimizer", None)


def warn_of_clipping_twice(optimizer: Any) -> None:
    """Warn if a Keras optimizer that is about to be wrapped, or one inside it, clips too.

    Example:
        >>> import types
        >>> warn_of_clipping_twice(types.SimpleNamespace(clipnorm=None))
    """
    for each in wrapped(optimizer):
        given = [name for name in _OWN_CLIPPING if getattr(each, name, None)]
        if given:
            what = f"by {type(each).__name__}({given[0]}={getattr(each, given[0])}) too"
        elif hasattr(each, "policy"):
            what = f"by a {type(each).__name__} inside another"
        else:
            continue
        msg = f"Gradients are clipped twice, {what}. Leave one of the two out."
        warnings.warn(msg, stacklevel=4)

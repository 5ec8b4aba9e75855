"""What an optimizer that wraps others has to know of them."""

import warnings
from collections.abc import Iterator
from typing import Any

import keras

_OWN_CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")


def wrapped(optimizer: Any) -> Iterator[Any]:
    """Yield an optimizer and those inside it, the innermost last.

    Args:
        optimizer: A Keras optimizer.

    Yields:
        Keras optimizers.
    """
    while optimizer is not None:
        yield optimizer
        optimizer = getattr(optimizer, "inner_optimizer", None)


def scales_dynamically(optimizer: Any) -> bool:
    """Tell whether an optimizer looks for infinite gradients itself, to adapt its loss scale."""
    return isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def loss_scale(optimizer: Any) -> Any:
    """Return what an optimizer divides gradients by before it steps; None for nothing."""
    if not scales_dynamically(optimizer):
        return optimizer.loss_scale_factor
    return optimizer.dynamic_scale.value if optimizer.built else optimizer.initial_scale


def warn_of_clipping_twice(optimizer: Any) -> None:
    """Warn if an optimizer, or one inside it, clips too."""
    for each in wrapped(optimizer):
        given = [name for name in _OWN_CLIPPING if getattr(each, name, None)]
        if given:
            what = f"by {type(each).__name__}({given[0]}={getattr(each, given[0])}) too"
        elif hasattr(each, "policy"):
            what = f"by a {type(each).__name__} inside another"
        else:
            continue
        msg = f"Gradients are clipped twice, {what}. Leave one of the two out."
        warnings.warn(msg, stacklevel=3)

"""What a Keras optimizer does to the scale of a loss."""

from typing import Any

import keras


def scales_dynamically(optimizer: Any) -> bool:
    """Tell whether an optimizer looks for infinite gradients itself, to adapt its loss scale."""
    return isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def loss_scale(optimizer: Any) -> Any:
    """Return what an optimizer divides gradients by before it steps; None for nothing."""
    if not scales_dynamically(optimizer):
        return optimizer.loss_scale_factor
    return optimizer.dynamic_scale.value if optimizer.built else optimizer.initial_scale

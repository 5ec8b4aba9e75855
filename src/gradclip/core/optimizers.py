"""What the optimizer wrappers of all frameworks share."""

from gradclip.errors import ConfigurationError

GATE_OP = 1  # tf.compat.v1.train.Optimizer.GATE_OP, the default of `gate_gradients`


def reject_tf1_arguments(
    gate_gradients: object, aggregation_method: object, colocate_gradients_with_ops: object
) -> None:
    """Raise unless the arguments that only TensorFlow 1 graphs obey have their defaults.

    Raises:
        ConfigurationError: One of them asks for something that cannot be done.
    """
    given = {
        "gate_gradients": (gate_gradients, GATE_OP),
        "aggregation_method": (aggregation_method, None),
        "colocate_gradients_with_ops": (colocate_gradients_with_ops, False),
    }
    for name, (value, default) in given.items():
        if value != default:
            msg = (
                f"`{name}` has a meaning for tf.compat.v1 optimizers only, got {value!r}. "
                f"Leave it at {default!r}."
            )
            raise ConfigurationError(msg)

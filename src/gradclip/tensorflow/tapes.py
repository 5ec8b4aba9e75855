"""Gradients from a tape."""

from typing import Any

import tensorflow as tf

from gradclip.errors import ConfigurationError


def differentiate(
    loss: Any, var_list: Any, grad_loss: Any, tape: tf.GradientTape | None
) -> list[tuple[Any, Any]]:
    """Return (gradient, variable) for each variable.

    Args:
        loss: A callable, run on a tape of its own or on the one given; or a loss.
        var_list: The variables, a callable that returns them, or None for what the tape watched.
        grad_loss: The gradient of what follows with regard to the loss, or None for ones.
        tape: The tape that recorded the loss.

    Returns:
        The pairs, the gradient None where the loss does not depend on the variable.

    Raises:
        ConfigurationError: There is a loss that is no callable and has no tape.
    """
    if callable(loss):
        tape = tf.GradientTape() if tape is None else tape
        with tape:
            loss = loss()
    if tape is None:
        msg = (
            f"`loss` must be a callable, or come with the tape that recorded it, got {loss!r}. "
            "Pass `lambda: ...`, or `tape=tape`."
        )
        raise ConfigurationError(msg)
    variables = var_list() if callable(var_list) else var_list
    if variables is None:
        variables = [v for v in tape.watched_variables() if v.trainable]
    variables = list(variables)
    gradients = tape.gradient(loss, variables, output_gradients=grad_loss)
    return list(zip(gradients, variables, strict=True))

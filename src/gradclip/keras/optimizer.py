"""TensorFlow's two optimizer methods, for every Keras 3 optimizer on every backend."""

import importlib
from collections.abc import Iterable
from typing import Any

import keras

from gradclip.core.decide import NonFinite
from gradclip.core.optimizers import GATE_OP
from gradclip.keras.steps import Steps


class Optimizer:
    """Compute gradients and apply them in two steps, with room for clipping between.

    On TensorFlow this is `gradclip.tensorflow.Optimizer`, which works inside `tf.function` too.
    On PyTorch and JAX the two methods run eagerly: a function that `jax.jit` compiles must call
    the functions of `gradclip.keras` and the optimizer's `stateless_apply` itself.

    Args:
        optimizer: A Keras optimizer. What this class lacks is looked up there.
        clip: What to clip in `apply_gradients`: a policy such as `gradclip.ZClip()`, a text such
            as `"global-norm=15"`, a function from a list of gradients to one, or None.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` drops the step (neither
            variables nor the optimizer's state change) and counts it in `skipped_steps` and
            `skipped_in_a_row`; `"raise"`, `"zero"` and `"propagate"` as in the functions.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.

    Raises:
        ConfigurationError: `clip` or `nonfinite` is none of these, or the optimizer scales losses.

    Example:
        >>> import keras, gradclip.keras
        >>> weight = keras.Variable([3.0, 4.0])
        >>> sgd = gradclip.keras.Optimizer(keras.optimizers.SGD(1.0), clip="norm=1")
        >>> loss = lambda: keras.ops.sum(weight**2) / 2
        >>> grads_and_vars = sgd.compute_gradients(loss, [weight])
        >>> _ = sgd.apply_gradients(grads_and_vars)
        >>> weight.numpy()
        array([2.4, 3.2], dtype=float32)

    References:
        `tf.compat.v1.train.Optimizer`.
    """

    def __init__(
        self,
        optimizer: Any,
        *,
        clip: object = None,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
    ) -> None:
        kind: Any = Steps
        if keras.backend.backend() == "tensorflow":
            kind = importlib.import_module("gradclip.tensorflow.optimizer").Optimizer
        self._steps = kind(optimizer, clip=clip, nonfinite=nonfinite, max_skipped=max_skipped)

    def __getattr__(self, name: str) -> Any:
        if name == "_steps":  # not there yet while being copied
            raise AttributeError(name)
        return getattr(self._steps, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_steps":
            super().__setattr__(name, value)
        else:
            setattr(self._steps, name, value)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,  # noqa: FBT001, FBT002 - TensorFlow's signature
        grad_loss: Any = None,
        **tape: Any,
    ) -> list[tuple[Any, Any]]:
        """Return (gradient, variable) for each variable.

        Args:
            loss: A callable that returns the loss; on TensorFlow also the loss with its `tape`,
                on PyTorch the loss itself.
            var_list: The variables; by default those the optimizer was built with, on TensorFlow
                those that the tape has seen.
            gate_gradients: TensorFlow 1 only.
            aggregation_method: TensorFlow 1 only.
            colocate_gradients_with_ops: TensorFlow 1 only.
            grad_loss: The gradient of what follows with regard to the loss; ones by default.
            tape: On TensorFlow, `tape=` the tape that recorded the loss.

        Returns:
            A list of pairs.

        Raises:
            ConfigurationError: A TensorFlow 1 argument is not at its default, or the backend
                cannot differentiate this loss.
        """
        return list(
            self._steps.compute_gradients(
                loss,
                var_list,
                gate_gradients,
                aggregation_method,
                colocate_gradients_with_ops,
                grad_loss,
                **tape,
            )
        )

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: Any = None,
        name: str | None = None,
    ) -> Any:
        """Clip the gradients, let the optimizer take its step, and count it.

        Args:
            grads_and_vars: The pairs that `compute_gradients` returned, clipped or not.
            global_step: A variable () that is increased by one with every applied step.
            name: A label for the operations.

        Returns:
            The optimizer's `iterations`; None for a skipped step and in a `tf.function`.

        Raises:
            ConfigurationError: There is no gradient at all.
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask.
        """
        return self._steps.apply_gradients(grads_and_vars, global_step, name)

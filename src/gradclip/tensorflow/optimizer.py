"""TensorFlow's two optimizer methods, for Keras 3 and `tf.compat.v1.train` optimizers."""

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

from gradclip.core.clippings import Clipping, Gradients
from gradclip.core.decide import NonFinite, check_nonfinite
from gradclip.core.optimizers import GATE_OP, reject_tf1_arguments, resolve_clip
from gradclip.core.wrapping import Wrapper, check_unscaled, split
from gradclip.tensorflow.branch import without_autograph
from gradclip.tensorflow.functional import functions
from gradclip.tensorflow.namespace import TensorFlowNamespace, after
from gradclip.tensorflow.skipping import SkippedSteps, number
from gradclip.tensorflow.tapes import differentiate

_xp = TensorFlowNamespace()


class Optimizer(Wrapper):
    """Compute gradients and apply them in two steps, with room for clipping between.

    Works eagerly, inside `tf.function` and, with `tf.compat.v1.train` optimizers, in graphs with
    sessions. Under `jit_compile=True` XLA leaves assertions out: steps are skipped and counted
    there, but neither `max_skipped` nor `nonfinite="raise"` can raise.

    Args:
        optimizer: A Keras 3 optimizer on TensorFlow, or any `tf.compat.v1.train.Optimizer`.
            What this class lacks is looked up there.
        clip: What to clip in `apply_gradients`: None, a text such as `"global-norm=15"`, a
            clipping of `gradclip.core.clippings`, or a function from a list of gradients to one.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` drops the step (neither
            variables, slots nor counters of steps change) and counts it in `skipped_steps` and
            `skipped_in_a_row`; `"raise"`, `"zero"` and `"propagate"` as in the functions.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.

    Raises:
        ConfigurationError: `clip` or `nonfinite` is none of these, or the optimizer scales losses.

    Example:
        >>> import keras, tensorflow as tf, gradclip.tensorflow
        >>> weight = tf.Variable([3.0, 4.0])
        >>> sgd = gradclip.tensorflow.Optimizer(keras.optimizers.SGD(1.0), clip="norm=1")
        >>> grads_and_vars = sgd.compute_gradients(lambda: tf.reduce_sum(weight**2) / 2, [weight])
        >>> grads_and_vars[0][0].numpy()
        array([3., 4.], dtype=float32)
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
        clip: str | Clipping | Callable[[Gradients], Gradients] | None = None,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
    ) -> None:
        check_nonfinite(nonfinite)
        check_unscaled(optimizer)
        super().__init__(optimizer)
        self._clip = resolve_clip(clip)
        self._nonfinite: NonFinite = nonfinite
        self._skipped = SkippedSteps(max_skipped)

    @property
    def skipped_steps(self) -> Any:
        """The number of skipped steps: an int, in a graph the variable."""
        return number(self._skipped.total)

    @property
    def skipped_in_a_row(self) -> Any:
        """The number of steps skipped since one was applied: an int, in a graph the variable."""
        return number(self._skipped.in_a_row)

    def compute_gradients(  # noqa: PLR0913 - TensorFlow's signature, and the tape
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,  # noqa: FBT001, FBT002 - TensorFlow's signature
        grad_loss: Any = None,
        *,
        tape: tf.GradientTape | None = None,
    ) -> list[tuple[Any, Any]]:
        """Return (gradient, variable) for each variable.

        Args:
            loss: A callable that returns the loss, or the loss with its `tape`. A
                `tf.compat.v1` optimizer takes the loss of a graph without a tape.
            var_list: The variables; by default the trainable ones that the tape has seen, in a
                graph those of its collection.
            gate_gradients: For `tf.compat.v1` optimizers only.
            aggregation_method: For `tf.compat.v1` optimizers only.
            colocate_gradients_with_ops: For `tf.compat.v1` optimizers only.
            grad_loss: The gradient of what follows with regard to the loss; ones by default.
            tape: The tape that recorded the loss.

        Returns:
            A list of pairs; the gradient of a variable that the loss does not depend on is None.

        Raises:
            ConfigurationError: A TensorFlow 1 argument is given where it has no meaning, or a
                loss without its tape.
        """
        if _is_tf1(self.optimizer) and tape is None:
            return list(
                self.optimizer.compute_gradients(
                    loss,
                    var_list,
                    gate_gradients,
                    aggregation_method,
                    colocate_gradients_with_ops,
                    grad_loss,
                )
            )
        reject_tf1_arguments(gate_gradients, aggregation_method, colocate_gradients_with_ops)
        return differentiate(loss, var_list, grad_loss, tape)

    @without_autograph
    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: Any = None,
        name: str | None = None,
    ) -> Any:
        """Clip the gradients, let the optimizer take its step, and count it.

        Args:
            grads_and_vars: The pairs that `compute_gradients` returned, clipped or not.
            global_step: An integer variable () that is increased by one with every applied step.
            name: A label for the operations.

        Returns:
            In a TF1 graph the operation to run; in eager execution what the wrapped optimizer
            returns, None for a skipped step; in a function None.

        Raises:
            ConfigurationError: There is no gradient at all.
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask. In a graph it is an
                `InvalidArgumentError`, raised when the graph runs.
        """
        gradients, variables = split(grads_and_vars)
        _create_state(self.optimizer, variables)
        gradients = self._settled(gradients, variables)

        def step() -> Any:
            clipped = self._clip(functions, gradients, variables) if self._clip else gradients
            return self._step(clipped, variables, global_step, name)

        result = step() if self._nonfinite != "skip" else self._step_if_finite(step, gradients)
        if tf.executing_eagerly() or not tf.compat.v1.executing_eagerly_outside_functions():
            return result
        return None  # a function runs its operations by itself, and may not return one

    def apply(self, grads: Iterable[Any], trainable_variables: Iterable[Any]) -> Any:
        """Apply gradients to variables: Keras' form of `apply_gradients`."""
        return self.apply_gradients(zip(grads, trainable_variables, strict=True))

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        *,
        tape: tf.GradientTape | None = None,
    ) -> Any:
        """Compute gradients and apply them; arguments and result as of these two methods."""
        pairs = self.compute_gradients(loss, var_list, tape=tape)
        return self.apply_gradients(pairs, global_step)

    def _step_if_finite(self, step: Callable[[], Any], gradients: Gradients) -> Any:
        finite = tf.math.is_finite(_xp.global_norm([g for g in gradients if g is not None]))
        if tf.executing_eagerly():
            return self._skipped.step_now(step, finite=bool(finite))
        return self._skipped.step_in_graph(step, finite)

    def _settled(self, gradients: Gradients, variables: list[Any]) -> Gradients:
        """Return the gradients after `nonfinite`'s "raise" and "zero"."""
        if self._nonfinite == "zero":
            settled: Gradients = functions.clip_by_global_norm(gradients, None, nonfinite="zero")[0]
            return settled
        if self._nonfinite != "raise":
            return gradients
        pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
        norms = _xp.require_finite([_xp.norm(g) for g, _ in pairs], [_name(v) for _, v in pairs])
        checked = iter(after(norms, [g for g, _ in pairs]))
        return [None if gradient is None else next(checked) for gradient in gradients]

    def _step(
        self, gradients: Gradients, variables: list[Any], global_step: Any, name: str | None
    ) -> Any:
        pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
        if _is_tf1(self.optimizer):
            return self.optimizer.apply_gradients(pairs, global_step, name)
        with tf.name_scope(name or "apply_gradients"):
            self.optimizer.apply([g for g, _ in pairs], [v for _, v in pairs])
            if global_step is not None:
                global_step.assign_add(1)
        return self.optimizer.iterations


def _is_tf1(optimizer: Any) -> bool:
    return isinstance(optimizer, tf.compat.v1.train.Optimizer)


def _name(variable: Any) -> str:
    return str(getattr(variable, "path", variable.name))


def _create_state(optimizer: Any, variables: list[Any]) -> None:
    """Create a Keras optimizer's variables, which a branch of a graph could not."""
    if not _is_tf1(optimizer) and not optimizer.built:
        with tf.init_scope():
            optimizer.build(variables)

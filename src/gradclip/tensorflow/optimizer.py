"""TensorFlow's two optimizer methods, for Keras 3 and `tf.compat.v1.train` optimizers."""

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

from gradclip.core.decide import NonFinite
from gradclip.core.optimizers import GATE_OP, reject_tf1_arguments
from gradclip.core.policies.report import Report
from gradclip.core.policies.run import Outcome
from gradclip.core.wrapping import Wrapper, check_unscaled, split, warn_of_clipping_twice
from gradclip.errors import ConfigurationError
from gradclip.tensorflow.branch import without_autograph
from gradclip.tensorflow.clipper import Clipper
from gradclip.tensorflow.skipping import step_in_graph
from gradclip.tensorflow.tapes import differentiate


class Optimizer(Wrapper):
    """Compute gradients and apply them in two steps, with room for clipping between.

    Works eagerly, inside `tf.function` and, with `tf.compat.v1.train` optimizers, in graphs with
    sessions. Under `jit_compile=True` XLA leaves assertions out: steps are skipped and counted
    there, but neither `max_skipped` nor `nonfinite="raise"` can raise.

    Args:
        optimizer: A Keras 3 optimizer on TensorFlow, or any `tf.compat.v1.train.Optimizer`.
            What this class lacks is looked up there.
        clip: What to clip in `apply_gradients`: a policy such as `gradclip.ZClip()`, a text such
            as `"global-norm=15"`, a function from a list of gradients to one, or None.
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
        clip: object = None,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
    ) -> None:
        check_unscaled(optimizer)
        if clip is not None:
            warn_of_clipping_twice(optimizer)
        super().__init__(optimizer)
        self.clipper = Clipper(clip, nonfinite=nonfinite, max_skipped=max_skipped)
        self._universe: list[Any] = []  # the variables that the clipper knows

    @property
    def report(self) -> Report | None:
        """What the last step came to, as of `Clipper`."""
        return self.clipper.report

    @property
    def skipped_steps(self) -> Any:
        """The number of skipped steps: an int, in a graph a tensor."""
        return self.clipper.skipped_steps

    @property
    def skipped_in_a_row(self) -> Any:
        """The number of steps skipped since one was applied: an int, in a graph a tensor."""
        return self.clipper.skipped_in_a_row

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
        places = self._places(variables)
        outcome, done = self._decide(gradients, places)

        def step() -> Any:
            clipped = outcome.gradients()
            return self._step([clipped[i] for i in places], variables, global_step, name)

        return self._taken(step, outcome, done)

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

    def _places(self, variables: list[Any]) -> list[int]:
        """Return the places of variables among all that the clipper knows.

        Raises:
            ConfigurationError: It was made for others.
        """
        if not self._universe:
            built_with = getattr(self.optimizer, "_trainable_variables", None)
            self._universe = list(built_with or variables)
        known = {_key(variable): i for i, variable in enumerate(self._universe)}
        strangers = [_name(v) for v in variables if _key(v) not in known]
        if strangers:
            msg = (
                "Variables must be among those of the first step, which the clipping was set up "
                f"for, got {', '.join(strangers)}. Make another optimizer for them."
            )
            raise ConfigurationError(msg)
        return [known[_key(variable)] for variable in variables]

    def _decide(self, gradients: list[Any], places: list[int]) -> tuple[Outcome, list[Any]]:
        """Measure and decide on the gradients of all variables, None where there is none."""
        placed: list[Any] = [None] * len(self._universe)
        for i, gradient in zip(places, gradients, strict=True):
            placed[i] = gradient
        names = [_name(variable) for variable in self._universe]
        return self.clipper.decide(placed, [_value(v) for v in self._universe], names)

    def _taken(self, step: Callable[[], Any], outcome: Outcome, done: list[Any]) -> Any:
        """Take the step or skip it, and count."""
        result = None
        if tf.executing_eagerly():
            if not outcome.skipped:
                result = step()
            self.clipper.check(outcome, done)
            return result
        applied = step() if outcome.skipped is False else step_in_graph(step, outcome.skipped)
        done = [*done, *self.clipper.check(outcome, done)]
        if tf.compat.v1.executing_eagerly_outside_functions():
            return None  # a function runs its operations by itself, and may not return one
        return tf.group(applied, *done)

    def _step(
        self, gradients: list[Any], variables: list[Any], global_step: Any, name: str | None
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


def _key(variable: Any) -> Any:
    value = _value(variable)
    return value.ref() if isinstance(value, tf.Variable) else id(value)


def _value(variable: Any) -> Any:
    """Return the TensorFlow variable that a Keras variable holds."""
    return getattr(variable, "value", variable) if hasattr(variable, "path") else variable


def _create_state(optimizer: Any, variables: list[Any]) -> None:
    """Create a Keras optimizer's variables, which a branch of a graph could not."""
    if not _is_tf1(optimizer) and not optimizer.built:
        with tf.init_scope():
            optimizer.build(variables)

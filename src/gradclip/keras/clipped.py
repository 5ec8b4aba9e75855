"""A Keras optimizer around another one that clips, and drops bad steps."""

from collections.abc import Iterable
from typing import Any, Self

import keras

from gradclip.core.decide import NonFinite, check_nonfinite
from gradclip.core.policies.config import from_config, to_config
from gradclip.core.policies.report import Report
from gradclip.core.policies.resolve import resolve_policy
from gradclip.core.wrapping import warn_of_clipping_twice
from gradclip.keras.branch import outside_graphs, without_autograph, without_gradient
from gradclip.keras.clipped_step import Step
from gradclip.keras.scales import loss_scale, scales_dynamically


@keras.saving.register_keras_serializable(package="gradclip")
class ClippedOptimizer(keras.optimizers.Optimizer):  # type: ignore[misc]  # Keras has no types
    """Clip gradients, and let another Keras optimizer step.

    It goes wherever an optimizer goes: into `compile`, custom loops, `stateless_apply`, saved
    models and checkpoints, and around or into a `LossScaleOptimizer`. What the inner optimizer
    offers besides (weight decay, averages of weights, schedules, gradient accumulation) works as
    ever: accumulated gradients are clipped once, those of replicas after they were added up.

    A dropped step changes neither variables nor the inner optimizer's state. In programs that
    XLA compiles nothing can be raised: there, `max_skipped` is looked at when `fit` ends.

    Args:
        inner_optimizer: Any Keras optimizer, or its name.
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"zclip"`.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` drops the step, `"raise"`
            raises, `"zero"` puts zeros in place of the bad tensors alone, `"propagate"` passes
            NaN on.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
            Not looked at around a `LossScaleOptimizer`, which skips steps to find its scale.
        name: The optimizer's name.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of these.

    Example:
        >>> import gradclip, keras
        >>> weight = keras.Variable([3.0, 4.0], name="weight")
        >>> sgd = keras.optimizers.SGD(1.0)
        >>> optimizer = gradclip.keras.ClippedOptimizer(sgd, gradclip.GlobalNorm(1.0))
        >>> optimizer.apply([keras.ops.array([3.0, 4.0])], [weight])
        >>> weight.numpy()
        array([2.4, 3.2], dtype=float32)
        >>> print(optimizer.report)
        norm 5 -> 1, limit 1, scale 0.2
          weight  5 -> 1
    """

    def __init__(
        self,
        inner_optimizer: Any,
        policy: object,
        *,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
        name: str | None = None,
    ) -> None:
        check_nonfinite(nonfinite)
        resolved = resolve_policy(policy)
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = keras.optimizers.get(inner_optimizer)
        warn_of_clipping_twice(self.inner_optimizer)
        self.policy = resolved
        self.nonfinite: NonFinite = nonfinite
        self.max_skipped = max_skipped
        self._scaled_outside = False
        self._steps = Step(self)

    @property
    def report(self) -> Report | None:
        """What the last step came to, None before the first; nothing waits until it is read."""
        return self._steps.memory.report()

    @property
    def skipped_steps(self) -> int:
        """The number of skipped steps; this waits."""
        return self._steps.count("skipped_steps")

    @property
    def skipped_in_a_row(self) -> int:
        """The number of steps skipped since one was applied; this waits."""
        return self._steps.count("skipped_in_a_row")

    @property
    def variables(self) -> list[Any]:
        """All variables, the inner optimizer's last."""
        inner = self.__dict__.get("inner_optimizer")
        return [*self._variables, *(inner.variables if inner else [])]

    @property
    def target(self) -> Any:
        """The optimizer that takes the steps: the inner one, or what is inside that."""
        inner = self.inner_optimizer
        return inner.inner_optimizer if self._scaled_outside else inner

    def build(self, variables: list[Any]) -> None:
        """Make the variables of this optimizer and of the inner one."""
        if self.built:
            return
        super().build(variables)
        with outside_graphs():
            self.inner_optimizer.build(variables)
            self._steps.build(variables)

    @without_autograph
    @without_gradient
    def apply(self, grads: Iterable[Any], trainable_variables: Iterable[Any] | None = None) -> None:
        """Clip gradients and let the inner optimizer step, unless the step is dropped.

        Args:
            grads: A gradient for each variable; None where there is none.
            trainable_variables: The variables; those it was built with by default.

        Raises:
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask.
        """
        gradients = list(grads)
        if not gradients:
            return
        if trainable_variables is not None:
            variables = list(trainable_variables)
            if not self.built:
                self.build(variables)
            self._check_variables_are_known(variables)
        else:
            variables = self._trainable_variables
        self._filter_empty_gradients(gradients, variables)  # which warns of them, or raises
        with keras.name_scope(self.name):
            self._steps.take(self._placed(gradients, variables))

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> Any:
        """Apply pairs of gradients and variables; return the number of steps."""
        gradients, variables = zip(*grads_and_vars, strict=True)
        self.apply(gradients, variables)
        return self.iterations

    def _placed(self, gradients: list[Any], variables: list[Any]) -> list[Any]:
        """Return a gradient, or None, for each variable that the optimizer was built with."""
        placed: list[Any] = [None] * len(self._trainable_variables)
        for gradient, variable in zip(gradients, variables, strict=True):
            placed[self._get_variable_index(variable)] = gradient
        return placed

    # ------------------------------------------------------------- the inner optimizer's
    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def iterations(self) -> Any:
        """The inner optimizer's steps."""
        return self.inner_optimizer.iterations

    @property
    def loss_scale_factor(self) -> Any:
        """What the inner optimizer divides gradients by; None for nothing."""
        return loss_scale(self.target) if "inner_optimizer" in self.__dict__ else None

    @loss_scale_factor.setter
    def loss_scale_factor(self, factor: float | None) -> None:
        """Take over a scale; None comes from a `LossScaleOptimizer` around this one."""
        inner = self.__dict__.get("inner_optimizer")
        if inner is None:  # the base class, before there is one
            return
        self._scaled_outside = factor is None and scales_dynamically(inner)
        if not self._scaled_outside:
            inner.loss_scale_factor = factor

    def scale_loss(self, loss: Any) -> Any:
        """Scale the loss as the inner optimizer asks."""
        return self.target.scale_loss(loss)

    def finalize_variable_values(self, var_list: list[Any]) -> None:
        """Do what the inner optimizer does at the end of training, and look at `max_skipped`.

        Raises:
            NonFiniteGradientError: Too many steps in a row were skipped.
        """
        self.inner_optimizer.finalize_variable_values(var_list)
        self._steps.check()

    def exclude_from_weight_decay(
        self, var_list: list[Any] | None = None, var_names: list[str] | None = None
    ) -> None:
        """Exclude variables from the inner optimizer's weight decay."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def set_weights(self, weights: list[Any]) -> None:
        """Set the values of all variables."""
        for variable, weight in zip(self.variables, weights, strict=True):
            variable.assign(weight)

    # ------------------------------------------------------------- saving
    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` reads.

        Returns:
            Values that JSON knows.

        Raises:
            ConfigurationError: The policy is a function, or holds one.
        """
        return {
            "name": self.name,
            "inner_optimizer": keras.saving.serialize_keras_object(self.inner_optimizer),
            "policy": to_config(self.policy),
            "nonfinite": self.nonfinite,
            "max_skipped": self.max_skipped,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        """Return the optimizer that `get_config` describes."""
        rest = dict(config)
        inner = keras.saving.deserialize_keras_object(
            rest.pop("inner_optimizer"), custom_objects=custom_objects
        )
        return cls(inner, from_config(rest.pop("policy")), **rest)

"""A Keras optimizer around another one that clips, and drops bad steps."""

from collections.abc import Iterable
from typing import Any, Self

import keras

from gradclip.core.decide import NonFinite, check_nonfinite
from gradclip.core.policies.config import from_config, to_config
from gradclip.core.policies.memory import Memory
from gradclip.core.policies.report import Report
from gradclip.core.policies.resolve import resolve_policy
from gradclip.core.policies.run import Outcome
from gradclip.core.skipping import check_skipped
from gradclip.keras.branch import (
    is_traced,
    outside_graphs,
    run_one,
    without_autograph,
    without_gradient,
)
from gradclip.keras.namespace import keras_namespace
from gradclip.keras.variables import KerasVariables


@keras.saving.register_keras_serializable(package="gradclip")
class ClippedOptimizer(keras.optimizers.Optimizer):  # type: ignore[misc]  # Keras has no types
    """Clip gradients, and let another Keras optimizer step.

    Args:
        inner_optimizer: Any Keras optimizer.
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"zclip"`.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` drops the step (neither
            variables nor the inner optimizer's state change), the others are as in `Clipper`.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
        name: The optimizer's name.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of these.

    Example:
        >>> import gradclip, keras
        >>> weight = keras.Variable([3.0, 4.0])
        >>> sgd = gradclip.keras.ClippedOptimizer(
        ...     keras.optimizers.SGD(1.0), gradclip.GlobalNorm(1.0)
        ... )
        >>> sgd.apply([keras.ops.array([3.0, 4.0])], [weight])
        >>> weight.numpy()
        array([2.4, 3.2], dtype=float32)
        >>> float(sgd.report.norm_before)
        5.0
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
        self.policy = resolved
        self.nonfinite: NonFinite = nonfinite
        self.max_skipped = max_skipped
        self._xp = keras_namespace(keras.backend.backend())
        self._memory = Memory(resolved, nonfinite, self._xp, KerasVariables(self.add_variable))

    def build(self, variables: list[Any]) -> None:
        """Make the variables of this optimizer and of the inner one."""
        if self.built:
            return
        super().build(variables)
        with outside_graphs():
            values = [variable.value for variable in variables]
            self._memory.build(values, tuple(variable.path for variable in variables))
            self.inner_optimizer.build(variables)

    @property
    def variables(self) -> list[Any]:
        """All variables, the inner optimizer's last."""
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def report(self) -> Report | None:
        """What the last step came to, on the device until somebody reads it; None before."""
        return self._memory.report()

    @without_autograph
    @without_gradient
    def apply(self, grads: Iterable[Any], trainable_variables: Iterable[Any] | None = None) -> None:
        """Clip gradients and let the inner optimizer step, unless the step is dropped."""
        gradients = list(grads)
        if trainable_variables is not None and not self.built:
            self.build(list(trainable_variables))
        gradients = self._placed(gradients, trainable_variables)
        outcome = self._memory.decide(gradients, [v.value for v in self._trainable_variables])
        self._memory.keep(outcome)
        touched = [*self._trainable_variables, *self.variables]
        run_one(
            outcome.skipped,
            self._dropped,
            lambda: self._step(outcome),
            touched,
        )

    def _placed(self, gradients: list[Any], variables: Iterable[Any] | None) -> list[Any]:
        """Return a gradient, or None, for each variable that the optimizer was built with."""
        if variables is None:
            return gradients
        placed: list[Any] = [None] * len(self._trainable_variables)
        for gradient, variable in zip(gradients, variables, strict=True):
            placed[self._get_variable_index(variable)] = gradient
        return placed

    def _step(self, outcome: Outcome) -> None:
        gradients = outcome.gradients()
        if keras.backend.backend() != "jax":
            self.inner_optimizer.apply(gradients, self._trainable_variables)
            return
        inner, trained = self.inner_optimizer, self._trainable_variables
        before = ([v.value for v in inner.variables], gradients, [v.value for v in trained])
        weights, states = inner.stateless_apply(*before)
        for variable, value in zip([*trained, *inner.variables], [*weights, *states], strict=True):
            variable.assign(value)

    def _dropped(self) -> None:
        in_a_row = self._memory.skipped_in_a_row.value
        if self.max_skipped is not None and not is_traced(in_a_row):
            check_skipped(int(in_a_row), self.max_skipped)

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

    def scale_loss(self, loss: Any) -> Any:
        """Scale the loss as the inner optimizer asks."""
        return self.inner_optimizer.scale_loss(loss)

    def finalize_variable_values(self, var_list: list[Any]) -> None:
        """Do what the inner optimizer does at the end of training."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` reads."""
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

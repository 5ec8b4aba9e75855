"""An optimizer's steps on the backends that run eagerly: PyTorch and JAX."""

from collections.abc import Iterable
from typing import Any

import keras

from gradclip.core.decide import NonFinite
from gradclip.core.optimizers import GATE_OP, reject_tf1_arguments
from gradclip.core.policies.clipper import Clipper
from gradclip.core.policies.report import Report
from gradclip.core.wrapping import Wrapper, check_unscaled, split, warn_of_clipping_twice
from gradclip.errors import ConfigurationError
from gradclip.keras.branch import without_gradient
from gradclip.keras.differentiate import gradients_of
from gradclip.keras.moments import Due, find_resets, reset_due
from gradclip.keras.namespace import keras_namespace


class Steps(Wrapper):
    """What `gradclip.keras.Optimizer` does on these backends; arguments as there."""

    def __init__(
        self, optimizer: Any, *, clip: object, nonfinite: NonFinite, max_skipped: int | None
    ) -> None:
        check_unscaled(optimizer)
        if clip is not None:
            warn_of_clipping_twice(optimizer)
        super().__init__(optimizer)
        verbs = keras_namespace(keras.backend.backend())
        self.clipper = Clipper(clip, nonfinite=nonfinite, max_skipped=max_skipped, xp=verbs)
        self._resets: list[Due] | None = None  # None before the first step

    @property
    def report(self) -> Report | None:
        """What the last step came to; None before the first."""
        return self.clipper.report

    @property
    def skipped_steps(self) -> int:
        """The number of skipped steps."""
        return self.clipper.skipped_steps

    @property
    def skipped_in_a_row(self) -> int:
        """The number of steps skipped since one was applied."""
        return self.clipper.skipped_in_a_row

    def compute_gradients(
        self,
        loss: Any,
        var_list: Iterable[Any] | None = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,  # noqa: FBT001, FBT002 - TensorFlow's signature
        grad_loss: Any = None,
    ) -> list[tuple[Any, Any]]:
        """Return (gradient, variable) for each variable."""
        reject_tf1_arguments(gate_gradients, aggregation_method, colocate_gradients_with_ops)
        variables = self._built_with() if var_list is None else list(var_list)
        return list(zip(gradients_of(loss, variables, grad_loss), variables, strict=True))

    @without_gradient
    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any, name: str | None
    ) -> Any:
        """Clip, step and count; return the optimizer's iterations, None for a skipped step."""
        del name
        gradients, variables = split(grads_and_vars)
        if not self.optimizer.built:
            self.optimizer.build(variables)
        known = list(self.optimizer._trainable_variables)  # noqa: SLF001 - Keras names it no other way
        places = [self.optimizer._get_variable_index(v) for v in variables]  # noqa: SLF001 - as above
        placed: list[Any] = [None] * len(known)
        for i, gradient in zip(places, gradients, strict=True):
            placed[i] = gradient
        names = [variable.path for variable in known]
        outcome = self.clipper.decide(placed, [v.value for v in known], names)
        self.clipper.count(outcome)
        if outcome.skipped:
            return None
        clipped = outcome.gradients()
        pairs = [(clipped[i], v) for i, v in zip(places, variables, strict=True)]
        present = [(g, v) for g, v in pairs if g is not None]
        self.optimizer.apply([g for g, _ in present], [v for _, v in present])
        if self._resets is None:
            self._resets = find_resets(self.clipper.policy, self.optimizer, known, tuple(names))
        reset_due(self._resets, outcome.state.step)
        if global_step is not None:
            global_step.assign(global_step + 1)
        return self.optimizer.iterations

    def apply(self, grads: Iterable[Any], trainable_variables: Iterable[Any]) -> Any:
        """Apply gradients to variables: Keras' form of `apply_gradients`."""
        return self.apply_gradients(zip(grads, trainable_variables, strict=True), None, None)

    def minimize(self, loss: Any, global_step: Any = None, var_list: Any = None) -> Any:
        """Compute gradients and apply them."""
        return self.apply_gradients(self.compute_gradients(loss, var_list), global_step, None)

    def _built_with(self) -> list[Any]:
        """Return the variables that the optimizer was built with.

        Raises:
            ConfigurationError: It was not built yet.
        """
        variables = getattr(self.optimizer, "_trainable_variables", None)
        if not self.optimizer.built or not variables:
            msg = (
                "`var_list` must name the variables of an optimizer that is not built yet, got "
                "None. Pass model.trainable_variables, or call optimizer.build with them before."
            )
            raise ConfigurationError(msg)
        return list(variables)

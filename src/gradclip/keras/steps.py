"""An optimizer's steps on the backends that run eagerly: PyTorch and JAX."""

import math
from collections.abc import Iterable
from typing import Any

import keras

from gradclip.core.clippings import Gradients
from gradclip.core.decide import NonFinite
from gradclip.core.optimizers import GATE_OP, reject_tf1_arguments
from gradclip.core.sequences import nonfinite_error
from gradclip.core.wrapping import ClippingWrapper, check_unscaled, split
from gradclip.errors import ConfigurationError
from gradclip.keras.differentiate import gradients_of
from gradclip.keras.functional import functions
from gradclip.keras.namespace import keras_namespace


class Steps(ClippingWrapper):
    """What `gradclip.keras.Optimizer` does on these backends; arguments as there."""

    def __init__(
        self, optimizer: Any, *, clip: Any, nonfinite: NonFinite, max_skipped: int | None
    ) -> None:
        check_unscaled(optimizer)
        super().__init__(optimizer, clip=clip, nonfinite=nonfinite, max_skipped=max_skipped)

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

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any, name: str | None
    ) -> Any:
        """Clip, step and count; return the optimizer's iterations, None for a skipped step."""
        del name
        gradients, variables = split(grads_and_vars)
        if not self.optimizer.built:
            self.optimizer.build(variables)
        gradients = self._settled(gradients, variables)
        if self._nonfinite == "skip":
            finite = _finite(gradients)
            self._skipped.record(finite=finite)
            if not finite:
                return None
        if self._clip is not None:
            gradients = self._clip(functions, gradients, variables)
        pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
        self.optimizer.apply([g for g, _ in pairs], [v for _, v in pairs])
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

    def _settled(self, gradients: Gradients, variables: list[Any]) -> Gradients:
        """Return the gradients after `nonfinite`'s "raise" and "zero"."""
        if self._nonfinite == "zero":
            settled: Gradients = functions.clip_by_global_norm(gradients, None, nonfinite="zero")[0]
            return settled
        if self._nonfinite == "raise":
            pairs = zip(gradients, variables, strict=True)
            bad = [str(variable.path) for g, variable in pairs if not _finite([g])]
            if bad:
                raise nonfinite_error(bad)
        return gradients


def _finite(gradients: Gradients) -> bool:
    """Tell whether all entries are finite, by norms too wide to overflow."""
    verbs = keras_namespace(keras.backend.backend())
    with verbs.precision(None):
        tensors = [verbs.tensor(g, "gradient") for g in gradients if g is not None]
        return math.isfinite(float(verbs.global_norm(tensors)))

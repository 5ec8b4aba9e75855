"""One step of a clipping optimizer: measure, decide, and hand over or drop."""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from gradclip.core.namespace import Array
from gradclip.core.policies.memory import Memory
from gradclip.core.policies.run import Outcome
from gradclip.core.skipping import check_skipped
from gradclip.core.wrapping import wrapped
from gradclip.keras.accumulation import Accumulation
from gradclip.keras.branch import is_traced, run_one
from gradclip.keras.moments import Due, find_resets, reset_due
from gradclip.keras.namespace import keras_namespace, plain
from gradclip.keras.scales import loss_scale, scales_dynamically
from gradclip.keras.variables import KerasVariables

if TYPE_CHECKING:
    from gradclip.core.decide import NonFinite


class Step:
    """What a `ClippedOptimizer` does to gradients.

    Args:
        owner: That optimizer.
    """

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._backend = keras.backend.backend()
        self._xp = keras_namespace(self._backend)
        graphs = self._backend == "tensorflow" and owner.nonfinite == "raise"
        answer: NonFinite = "propagate" if graphs else owner.nonfinite  # `_settled` raises
        variables = KerasVariables(owner.add_variable)
        self.memory = Memory(owner.policy, answer, self._xp, variables)
        self._trained: list[Any] = []
        self._resets: list[Due] = []

    def build(self, variables: list[Any]) -> None:
        """Make what the policy remembers, for these variables, which the inner optimizer knows."""
        self._trained = list(variables)
        names = tuple(getattr(v, "path", v.name) for v in variables)
        self.memory.build([plain(v) for v in variables], names)
        self._resets = find_resets(self._owner.policy, self._owner.target, self._trained, names)

    def take(self, gradients: list[Any]) -> None:
        """Let the inner optimizer step on clipped gradients, or drop the step.

        Args:
            gradients: One for each variable, None where there is none.
        """
        accumulation = self._accumulation()
        if accumulation is None:
            self._clip(gradients)
            return
        self._run_one(
            accumulation.complete,
            lambda: self._clip_accumulated(gradients, accumulation),
            lambda: self._hand_over(gradients),
        )

    def check(self) -> None:
        """Raise if too many steps in a row were skipped, where that is known.

        Raises:
            NonFiniteGradientError: They were.
        """
        limit = self._owner.max_skipped
        if limit is None or not self.memory.built or scales_dynamically(self._owner.target):
            return
        variable = self.memory.skipped_in_a_row
        if variable._value is None:  # noqa: SLF001 - JAX's trainer took it out, and failed
            return
        in_a_row = variable.value
        if not is_traced(in_a_row):
            check_skipped(int(variable.numpy()), limit)
        elif self._backend == "tensorflow":
            skipping = importlib.import_module("gradclip.tensorflow.skipping")
            skipping.assert_few(in_a_row, limit, [])

    def count(self, name: str) -> int:
        """Return a number of skipped steps."""
        return int(getattr(self.memory, name).numpy()) if self.memory.built else 0

    def _accumulation(self) -> Accumulation | None:
        """Return the accumulators of the innermost optimizer, if it has any."""
        innermost = list(wrapped(self._owner.target))[-1]
        return Accumulation(innermost) if innermost.gradient_accumulation_steps else None

    def _clip(self, gradients: list[Any]) -> None:
        """Clip the gradients of one batch."""
        scale = self._scale()
        summed = self._summed(gradients)
        with self._xp.precision(None):
            outcome = self._decide(summed, 1.0 / self._wide(scale))
        step = self._step(outcome, summed, scale)
        self._run_one(outcome.skipped, lambda: self._drop(outcome, gradients), step)

    def _clip_accumulated(self, gradients: list[Any], accumulation: Accumulation) -> None:
        """Clip the mean of several batches' gradients."""
        scale = self._scale()
        means = self._summed(accumulation.mean(gradients, scale))
        outcome = self._decide(means, 1.0)
        whole = accumulation.steps if scale is None else accumulation.steps * scale
        step = self._step(outcome, means, whole)

        def step_on_means() -> None:
            accumulation.clear()
            step()

        def drop() -> None:
            self._drop(outcome, gradients)
            accumulation.start_again()

        self._run_one(outcome.skipped, drop, step_on_means)

    def _decide(self, gradients: list[Any], factor: Array) -> Outcome:
        """Let the policy decide on gradients, and remember."""
        pairs = zip(self._settled(gradients), self._trained, strict=True)
        real = [None if _replaces(v) else g for g, v in pairs]
        outcome = self.memory.decide(real, [plain(v) for v in self._trained], factor)
        self.memory.keep(outcome)
        return outcome

    def _step(self, outcome: Outcome, gradients: list[Any], scale: Any) -> Callable[[], None]:
        """Return what hands clipped gradients over, multiplied by a scale."""

        def step() -> None:
            with self._xp.precision(None):
                clipped = outcome.gradients(self._wide(scale))
            triples = zip(clipped, gradients, self._trained, strict=True)
            self._hand_over([g if _replaces(v) else c for c, g, v in triples], summed=True)
            reset_due(self._resets, outcome.state.step)

        return step

    def _drop(self, outcome: Outcome, gradients: list[Any]) -> None:
        """Look at `max_skipped`; let an optimizer that adapts its loss scale see bad gradients."""
        self.check()
        if scales_dynamically(self._owner.target):
            finite = outcome.batch.accept
            self._run_one(finite, lambda: None, lambda: self._hand_over(gradients))

    def _hand_over(self, gradients: list[Any], *, summed: bool = False) -> None:
        """Let the inner optimizer step."""
        target = self._owner.target
        if summed and self._backend == "tensorflow":
            gradients = _replicas().on_first_replica(gradients)
        if self._backend != "jax" or not scales_dynamically(target):
            pairs = zip(gradients, self._trained, strict=True)
            present = [(g, v) for g, v in pairs if g is not None]
            target.apply([g for g, _ in present], [v for _, v in present])
            return
        # On JAX a LossScaleOptimizer has branches that only `stateless_apply` can be traced with.
        before = ([v.value for v in target.variables], gradients, [v.value for v in self._trained])
        weights, states = target.stateless_apply(*before)
        for variables, values in ((self._trained, weights), (target.variables, states)):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def _run_one(
        self, condition: Any, then: Callable[[], object], otherwise: Callable[[], object]
    ) -> None:
        run_one(condition, then, otherwise, [*self._trained, *self._owner.variables])

    def _scale(self) -> Any:
        """Return what the gradients were multiplied by with the loss; None for nothing."""
        return loss_scale(self._owner.target)

    def _wide(self, scale: Any) -> Array:
        """Return a scale in wide precision, 1 for none."""
        return 1.0 if scale is None else self._xp.wide(scale)

    def _summed(self, gradients: list[Any]) -> list[Any]:
        """Return the gradients of all replicas together."""
        if self._backend != "tensorflow":
            return gradients
        summed: list[Any] = _replicas().sum_over_replicas(gradients)
        return summed

    def _settled(self, gradients: list[Any]) -> list[Any]:
        """Return gradients that a TensorFlow graph asserts to be finite, if that is asked for."""
        if self._backend != "tensorflow" or self._owner.nonfinite != "raise":
            return gradients
        clipper = importlib.import_module("gradclip.tensorflow.clipper")
        settled: list[Any] = clipper.require_finite(gradients, self.memory.names, self._xp)
        return settled


def _replaces(variable: Any) -> bool:
    """Tell whether a variable is overwritten by its "gradient", such as the scales of float8."""
    return bool(getattr(variable, "overwrite_with_gradient", False))


def _replicas() -> Any:
    return importlib.import_module("gradclip.tensorflow.replicas")

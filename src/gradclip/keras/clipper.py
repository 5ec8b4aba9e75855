"""Policies on tensors of Keras' current backend."""

import importlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import keras

from gradclip.core.arithmetic import map_state
from gradclip.core.decide import NonFinite, check_nonfinite
from gradclip.core.namespace import Namespace
from gradclip.core.policies.memory import Memory
from gradclip.core.policies.report import Report
from gradclip.core.policies.resets import warn_of_moments_out_of_reach
from gradclip.core.policies.resolve import resolve_policy
from gradclip.core.policies.saving import plain as as_lists
from gradclip.core.sequences import check_lengths, read_once
from gradclip.core.skipping import check_skipped
from gradclip.keras.branch import is_traced, without_gradient
from gradclip.keras.namespace import keras_namespace, plain
from gradclip.keras.variables import KerasVariables

_WITH_OPTIMIZER = "Use gradclip.keras.ClippedOptimizer(optimizer, policy)"


class VariableClipper:
    """What `Clipper` is where Keras' variables hold the state: on JAX, PyTorch and NumPy."""

    def __init__(
        self,
        policy: object,
        *,
        nonfinite: NonFinite,
        max_skipped: int | None,
        xp: Namespace,
        statistics: bool = False,
    ) -> None:
        check_nonfinite(nonfinite)
        self.policy = resolve_policy(policy)
        warn_of_moments_out_of_reach(self.policy, _WITH_OPTIMIZER)
        self.nonfinite: NonFinite = nonfinite
        self.max_skipped = max_skipped
        self.variables: list[Any] = []
        variables = KerasVariables(self._add)
        self._memory = Memory(self.policy, nonfinite, xp, variables, statistics=statistics)

    def build(self, variables: Iterable[Any], names: Sequence[str] | None = None) -> None:
        """Make the variables for parameters, or for gradients of their shapes."""
        params = [plain(v) for v in variables]
        labels = tuple(map(str, range(len(params))) if names is None else names)
        check_lengths(params, names=labels)
        self._memory.build(params, labels)

    @without_gradient
    def __call__(
        self,
        gradients: Iterable[Any],
        variables: Iterable[Any] | None = None,
        names: Sequence[str] | None = None,
    ) -> list[Any]:
        """Return the clipped gradients."""
        given = read_once(gradients, "gradients")
        weights = [] if variables is None else [plain(v) for v in variables]
        check_lengths(given, variables=None if variables is None else weights, names=names)
        if not self._memory.built:
            self.build(weights or given, names)
        outcome = self._memory.decide(given, weights)
        self._memory.keep(outcome)
        if self.max_skipped is not None and not is_traced(outcome.skipped) and outcome.skipped:
            check_skipped(self.skipped_in_a_row, self.max_skipped)
        return outcome.gradients()

    @property
    def report(self) -> Report | None:
        """What the last step came to; None before the first."""
        return self._memory.report()

    @property
    def skipped_steps(self) -> int:
        """The number of skipped steps."""
        return int(self._memory.skipped_steps.numpy()) if self._memory.built else 0

    @property
    def skipped_in_a_row(self) -> int:
        """The number of steps skipped since one was not."""
        return int(self._memory.skipped_in_a_row.numpy()) if self._memory.built else 0

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on as if nothing had happened: lists and numbers."""
        policy = None
        if self._memory.built:
            policy = as_lists(map_state(_listed, self._memory.state()))
        return {"policy": policy, "skipped": [self.skipped_steps, self.skipped_in_a_row]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self._memory.load(state_dict["policy"], state_dict["skipped"])

    def _add(self, **options: Any) -> Any:
        self.variables.append(keras.Variable(trainable=False, **options))
        return self.variables[-1]


def _listed(entry: Any) -> Any:
    return entry if isinstance(entry, list) else keras.ops.convert_to_numpy(entry).tolist()


if TYPE_CHECKING or keras.backend.backend() != "tensorflow":
    _Base = VariableClipper
else:  # which functions and checkpoints of TensorFlow know
    _Base = importlib.import_module("gradclip.tensorflow.clipper").Clipper


class Clipper(_Base):
    """Clip the gradients of step after step, in loops of one's own.

    It is `gradclip.tensorflow.Clipper` on TensorFlow. On JAX its state is in `variables`: call
    `build` before `jax.jit`, and let a `keras.StatelessScope` carry them.

    Args:
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"global-norm=1"`.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` gives zeros and counts the
            step as skipped, `"raise"` raises, `"zero"` puts zeros in place of the bad tensors
            alone, `"propagate"` passes NaN on.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
        statistics: Whether reports shall have `statistics` too: largest entries, non-finite ones
            and zeros.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of these.

    Example:
        >>> import gradclip, keras
        >>> clipper = gradclip.keras.Clipper(gradclip.GlobalNorm(1.0))
        >>> clipped = clipper([keras.ops.array([3.0]), None, keras.ops.array([4.0])])
        >>> [None if t is None else round(float(t[0]), 3) for t in clipped]
        [0.6, None, 0.8]
        >>> float(clipper.report.norm_before), clipper.skipped_steps
        (5.0, 0)
    """

    def __init__(
        self,
        policy: object,
        *,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
        statistics: bool = False,
    ) -> None:
        super().__init__(
            policy,
            nonfinite=nonfinite,
            max_skipped=max_skipped,
            statistics=statistics,
            xp=keras_namespace(keras.backend.backend()),
        )

    def __call__(
        self,
        gradients: Iterable[Any],
        variables: Iterable[Any] | None = None,
        names: Sequence[str] | None = None,
    ) -> list[Any]:
        """Return the clipped gradients.

        Args:
            gradients: The gradients of one step, always of the same parameters in the same
                order; None where there is none.
            variables: The parameters, for policies that are relative to their norms.
            names: The parameters' names, for reports and patterns; by default the paths of
                `variables`, without them "0", "1", ...

        Returns:
            The gradients, None in place; zeros for a skipped step.

        Raises:
            ConfigurationError: The number of gradients, variables and names differs.
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask.
        """
        weights = None if variables is None else list(variables)
        if names is None and weights and all(hasattr(v, "path") for v in weights):
            names = [v.path for v in weights]
        return super().__call__(gradients, weights, names)

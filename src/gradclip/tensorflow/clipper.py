"""Policies on TensorFlow tensors, with their state in variables."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradclip.core.arithmetic import map_state
from gradclip.core.decide import NonFinite, check_nonfinite
from gradclip.core.namespace import Namespace
from gradclip.core.policies.memory import Memory
from gradclip.core.policies.report import Report
from gradclip.core.policies.resets import warn_of_moments_out_of_reach
from gradclip.core.policies.resolve import resolve_policy
from gradclip.core.policies.run import Outcome
from gradclip.core.policies.saving import plain
from gradclip.core.sequences import check_lengths, read_once
from gradclip.core.skipping import check_skipped
from gradclip.tensorflow.branch import without_autograph
from gradclip.tensorflow.namespace import TensorFlowNamespace, after
from gradclip.tensorflow.skipping import assert_few
from gradclip.tensorflow.variables import TensorFlowVariables

_WITH_OPTIMIZER = "Use gradclip.keras.ClippedOptimizer(optimizer, policy)"


class Clipper(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """Clip the gradients of step after step.

    Works eagerly, inside `tf.function` with and without `jit_compile=True`, and in graphs with
    sessions. The state is made of variables, which `tf.train.Checkpoint(clipper=clipper)` saves.

    Args:
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"global-norm=1"`.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` gives zeros and counts the
            step as skipped, `"raise"` raises, `"zero"` puts zeros in place of the bad tensors
            alone, `"propagate"` passes NaN on.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
            XLA leaves assertions out: under `jit_compile=True` steps are counted, no more.
        statistics: Whether reports shall have `statistics` too: largest entries, non-finite ones
            and zeros.
        xp: The verbs, if they are not TensorFlow's own.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of these.

    Example:
        >>> import tensorflow as tf, gradclip
        >>> clipper = gradclip.tensorflow.Clipper(gradclip.GlobalNorm(1.0))
        >>> clip = tf.function(lambda gradients: clipper(gradients))
        >>> [t.numpy().tolist() for t in clip([tf.constant([3.0]), tf.constant([4.0])])]
        [[0.6000000238418579], [0.800000011920929]]
        >>> clipper.report.norm_before.numpy().item(), int(clipper.skipped_steps)
        (5.0, 0)
    """

    def __init__(
        self,
        policy: object,
        *,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
        statistics: bool = False,
        xp: Namespace | None = None,
    ) -> None:
        super().__init__()
        check_nonfinite(nonfinite)
        self.policy = resolve_policy(policy)
        warn_of_moments_out_of_reach(self.policy, _WITH_OPTIMIZER)
        self.nonfinite: NonFinite = nonfinite
        self.max_skipped = max_skipped
        self._held: dict[str, tf.Variable] = {}
        self._xp = xp or TensorFlowNamespace()
        answer: NonFinite = "propagate" if nonfinite == "raise" else nonfinite
        variables = TensorFlowVariables(self._held)
        self._memory = Memory(self.policy, answer, self._xp, variables, statistics=statistics)
        self._traced: tuple[Any, Report] | None = None  # a graph, and what was decided there

    def build(self, variables: Iterable[Any], names: Sequence[str] | None = None) -> None:
        """Make what the policy remembers for parameters, or for gradients of their shapes.

        The first call does so if nobody did: `tf.function` then traces it twice.
        """
        params = list(variables)
        labels = tuple(map(str, range(len(params))) if names is None else names)
        check_lengths(params, names=labels)
        with tf.init_scope():  # a function may not create variables
            self._memory.build([_blank(t) for t in params], labels)

    @without_autograph
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
            names: The parameters' names, for reports and patterns; by default "0", "1", ...

        Returns:
            The gradients, None in place; zeros for a skipped step.

        Raises:
            ConfigurationError: The number of gradients, variables and names differs.
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask; in a graph it is an
                `InvalidArgumentError`, raised when the graph runs.
        """
        outcome, done = self.decide(read_once(gradients, "gradients"), variables, names)
        clipped = outcome.gradients()
        done = [*done, *self.check(outcome, done)]
        if tf.compat.v1.executing_eagerly_outside_functions():
            return clipped
        present = iter(after(done, [t for t in clipped if t is not None]))
        return [None if t is None else next(present) for t in clipped]

    def decide(
        self,
        gradients: list[Any],
        variables: Iterable[Any] | None = None,
        names: Sequence[str] | None = None,
    ) -> tuple[Outcome, list[Any]]:
        """Measure, decide and remember; nothing is multiplied yet.

        Returns:
            What was decided, and what a TF1 graph must run for it to be remembered.
        """
        weights = [] if variables is None else list(variables)
        labels = tuple(map(str, range(len(gradients))) if names is None else names)
        check_lengths(gradients, variables=weights if variables is not None else None, names=labels)
        if not self._memory.built:
            self.build(weights or gradients, labels)
        if self.nonfinite == "raise":
            gradients = require_finite(gradients, labels, self._xp)
        outcome = self._memory.decide(gradients, weights)
        if not tf.executing_eagerly():
            self._traced = (tf.compat.v1.get_default_graph(), outcome.report)
        return outcome, self._memory.keep(outcome)

    def check(self, outcome: Outcome, done: list[Any]) -> list[Any]:
        """Raise if too many steps in a row were skipped; in a graph, assert that it was few.

        Returns:
            The assertions, which a TF1 graph must run.

        Raises:
            NonFiniteGradientError: Too many in a row were.
        """
        if self.max_skipped is None or outcome.skipped is False:
            return []
        in_a_row = self._memory.skipped_in_a_row
        if not tf.executing_eagerly():
            return [assert_few(in_a_row, self.max_skipped, done)]
        if outcome.skipped:
            check_skipped(int(in_a_row), self.max_skipped)
        return []

    @property
    def report(self) -> Report | None:
        """What the last step came to; None before the first.

        Inside a function it is what this function decided, to be returned or logged; outside it
        is what the last run left in variables.
        """
        if self._traced is not None and self._traced[0] is tf.compat.v1.get_default_graph():
            return self._traced[1]
        return self._memory.report()

    @property
    def skipped_steps(self) -> Any:
        """The number of skipped steps: an int, in a graph a tensor."""
        return self._number("skipped_steps")

    @property
    def skipped_in_a_row(self) -> Any:
        """The number of steps skipped since one was not: an int, in a graph a tensor."""
        return self._number("skipped_in_a_row")

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on as if nothing had happened: lists and numbers."""
        policy = None
        if self._memory.built:
            policy = plain(map_state(lambda x: np.asarray(x).tolist(), self._memory.state()))
        return {"policy": policy, "skipped": [self.skipped_steps, self.skipped_in_a_row]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self._memory.load(state_dict["policy"], state_dict["skipped"])

    def _number(self, name: str) -> Any:
        if not self._memory.built:
            return 0
        counter = self._held[name]
        return int(counter) if tf.executing_eagerly() else tf.cast(counter, tf.int64)


def require_finite(gradients: list[Any], names: Sequence[str], xp: Namespace) -> list[Any]:
    """Return gradients that are finite; in a graph, ones that wait for the assertion.

    Args:
        gradients: The gradients; None where there is none.
        names: What to call them.
        xp: The verbs.

    Raises:
        NonFiniteGradientError: One of them is not, and there is no graph.
    """
    pairs = [(t, name) for t, name in zip(gradients, names, strict=True) if t is not None]
    labels = [name for _, name in pairs]
    tensors = [xp.tensor(t, name) for t, name in pairs]
    checked = xp.require_finite(tf.unstack(xp.norms(tensors)), labels)
    if not tf.executing_eagerly():
        tensors = after(checked, tensors)
    settled = iter(tensors)
    return [None if t is None else next(settled) for t in gradients]


def _blank(t: Any) -> Any:
    """Return zeros in the shape of a tensor, which may belong to a graph; None if unknown."""
    if t is None or not t.shape.is_fully_defined():
        return None
    return tf.zeros(t.shape, t.dtype)

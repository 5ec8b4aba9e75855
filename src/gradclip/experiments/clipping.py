"""The experiment's clipping: a policy over one framework's verbs, state in and state out."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from gradclip.core.arithmetic import is_scalar
from gradclip.core.namespace import Array, Namespace
from gradclip.core.policies.resolve import NoClipping, Own
from gradclip.core.policies.run import Gradients, PolicyState, init, update
from gradclip.experiments.experiment import Experiment
from gradclip.experiments.weights import parameters


class Clipped(NamedTuple):
    """What clipping made of a step's gradients, traced or not."""

    gradients: Gradients
    limit: Array  # (): the limit in force, NaN where one number cannot say
    skipped: Array  # (): whether to drop the step
    norms_before: Array  # (P,)
    norms_after: Array  # (P,)
    state: PolicyState


class Clipping:
    """Clip as an experiment asks: with gradclip, with the framework's own function, or not.

    Where gradclip clips, non-finite gradients drop the step. Where nothing clips, or the
    framework's own function, they take their course: that is what is to be seen.

    Args:
        experiment: What is trained.
        xp: The framework's verbs.
        native: The framework's own clipping, from gradients to gradients.

    Example:
        >>> import numpy as np
        >>> from gradclip.numpy.namespace import NumpyNamespace
        >>> experiment = Experiment(framework="numpy", hidden=(1,), clip="norm=1")
        >>> clipping = Clipping(experiment, NumpyNamespace(), native=list)
        >>> weights = [np.ones(1)] * 4
        >>> clipped = clipping([np.array([3.0])] * 4, weights, clipping.init(weights))
        >>> clipped.norms_before, clipped.norms_after
        (array([3., 3., 3., 3.]), array([1., 1., 1., 1.]))
    """

    def __init__(
        self, experiment: Experiment, xp: Namespace, *, native: Callable[[Gradients], Gradients]
    ) -> None:
        guarded = experiment.clipper == "gradclip" and experiment.policy is not None
        self._policy = experiment.policy or NoClipping()
        self._limit = None
        if experiment.clipper == "native":
            self._policy, self._limit = Own(native), experiment.limit
        self._names = tuple(parameter.name for parameter in parameters(experiment))
        self._mode: Literal["skip", "propagate"] = "skip" if guarded else "propagate"
        self._xp = xp

    def init(self, weights: list[Array]) -> PolicyState:
        """Return the policy's state before the first step."""
        return init(self._policy, list(weights), self._names, self._xp)

    def __call__(self, gradients: Gradients, weights: list[Array], state: PolicyState) -> Clipped:
        """Return the clipped gradients, their norms and the policy's next state."""
        outcome = update(
            self._policy,
            gradients,
            state,
            weights=weights,
            names=self._names,
            nonfinite=self._mode,
            xp=self._xp,
        )
        report = outcome.report
        limit = report.limit if is_scalar(report.limit) else math.nan
        return Clipped(
            gradients=outcome.gradients(),
            limit=limit if self._limit is None else self._limit,
            skipped=report.skipped,
            norms_before=report.parts_before,
            norms_after=report.parts_after,
            state=outcome.state,
        )

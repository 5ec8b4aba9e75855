"""A policy on trial: its decisions on gradients of given norms."""

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradclip.core.arithmetic import State
from gradclip.core.decide import NonFinite
from gradclip.core.namespace import Namespace
from gradclip.core.policies.policy import Policy
from gradclip.core.policies.report import Report
from gradclip.core.policies.run import PolicyState, init, update

# Room -> its namespace.
FRAMEWORKS = {
    "numpy": "NumpyNamespace",
    "torch": "TorchNamespace",
    "tensorflow": "TensorFlowNamespace",
    "jax": "JaxNamespace",
}
SHAPES = ((4, 3), (3,), (3, 2))
Gradients = list[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What a policy made of one step.

    Attributes:
        gradients: What the optimizer gets.
        scale: The global norm after clipping in units of the one before.
        after: The global norm after clipping.
        parts: The same as `scale` of each gradient, (T,), of a trial in NumPy; 1 where it is 0.
        limit: The limits in force, () or (T,), of a trial in NumPy; NaN where there are several.
        skipped: Whether the step is dropped.
        state: The state after it.
    """

    gradients: Gradients
    scale: float
    after: float
    parts: Any
    limit: Any
    skipped: bool
    state: PolicyState

    @property
    def decision(self) -> tuple[float, bool]:
        """What frameworks are compared by."""
        return self.scale, self.skipped


class Trial:
    """Run a policy on gradients of fixed directions.

    Args:
        policy: The policy.
        names: The parameters' names.
        framework: The room whose arrays it runs on.
        shapes: The parameters' shapes, repeated for as many as there are.
    """

    def __init__(
        self,
        policy: Policy,
        names: Sequence[str],
        framework: str = "numpy",
        *,
        shapes: tuple[tuple[int, ...], ...] = SHAPES,
    ) -> None:
        self.policy = policy
        self.names = tuple(names)
        self.framework = framework
        self.xp = namespace(framework)
        source = np.random.default_rng(0)
        tensors = [source.normal(size=shapes[i % len(shapes)]) for i in range(len(self.names))]
        total = np.sqrt(sum(float(np.square(t).sum()) for t in tensors)) or 1.0
        self._directions = [t / total for t in tensors]
        self._seasoned: PolicyState | None = None
        self._weights = [np.full(t.shape, 0.5, np.float32) for t in tensors]

    def gradients(self, norm: float) -> Gradients:
        """Return gradients with this global norm."""
        return [(t * norm).astype(np.float32) for t in self._directions]

    def start(self) -> PolicyState:
        """Return the state before the first step."""
        return init(self.policy, list(self._weights), self.names, self.xp)

    def step(self, state: State, gradients: Gradients, *, nonfinite: NonFinite = "skip") -> Step:
        """Let the policy decide on the gradients of one step."""
        outcome = update(
            self.policy,
            gradients,
            state,
            weights=list(self._weights),
            names=self.names,
            nonfinite=nonfinite,
            xp=self.xp,
        )
        report = outcome.report
        return Step(
            gradients=outcome.gradients(),
            scale=float(report.scale),
            after=float(report.norm_after),
            parts=_shares(report) if self.framework == "numpy" else None,
            limit=np.array(report.limit, np.float64) if self.framework == "numpy" else None,
            skipped=bool(outcome.skipped),
            state=outcome.state,
        )

    def steps(self, norms: Sequence[float], state: State | None = None) -> Iterator[Step]:
        """Decide on gradients with these norms, one after the other.

        Yields:
            What came of each.
        """
        state = self.start() if state is None else state
        for norm in norms:
            step = self.step(state, self.gradients(norm))
            state = step.state
            yield step

    def after(self, norms: Sequence[float]) -> PolicyState:
        """Return the state after gradients with these norms."""
        state = self.start()
        for step in self.steps(norms):
            state = step.state
        return state

    def seasoned(self) -> PolicyState:
        """Return the state after `HISTORY`."""
        if self._seasoned is None:
            self._seasoned = self.after(HISTORY)
        return self._seasoned


def _shares(report: Report) -> Any:
    """Return what is left of each gradient's norm."""
    before, after = (np.asarray(x, np.float64) for x in (report.parts_before, report.parts_after))
    with np.errstate(invalid="ignore"):
        return np.divide(after, before, out=np.ones_like(before), where=before != 0)


def namespace(framework: str) -> Namespace:
    """Return a framework's verbs."""
    module = importlib.import_module(f"gradclip.{framework}.namespace")
    verbs: Namespace = getattr(module, FRAMEWORKS[framework])()
    return verbs


def random_norms(steps: int, level: float = 1.0, *, spread: float = 0.05) -> list[float]:
    """Return norms around a level, always the same."""
    source = np.random.default_rng(steps)
    return [float(norm) for norm in level * np.exp(source.normal(0.0, spread, steps))]


HISTORY = random_norms(300)  # longer than published warm-ups

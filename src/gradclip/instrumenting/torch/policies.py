"""Gradients clipped by a policy that the program knows nothing of."""

from typing import Protocol

from torch.optim import Optimizer

from gradclip.core.policies.report import Report
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.distributed import is_sum
from gradclip.instrumenting.torch.optimizers import Trained
from gradclip.torch.attach import Attached
from gradclip.torch.folding import Folding
from gradclip.torch.guards import Guard, spans_tensors, within_backward
from gradclip.torch.hooks import owners
from gradclip.torch.steps import Steps

_SHARDED = (
    "--clip is not applied: each process has a part of the gradients only, and their norm cannot "
    "be told from one part. Call {} before optimizer.step(): it asks all processes."
)
_BY_FUNCTION = "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)"
_BY_METHOD = "model.clip_grad_norm_(1.0)"  # that of FSDP's first version
_SUMS = (
    "{} gradients, that of {} for one, are sums over processes that nobody has added up, and count "
    "as zeros. Add them up before optimizer.step(), for each such p by "
    "p.grad = p.grad.redistribute(placements=p.placements)."
)
_WITHIN_BACKWARD = (
    "--clip is not applied: optimizers step within backward, each when it has its own gradients, "
    "and the norm of all is not known by then. A policy for each tensor works: --clip norm=1."
)


class Policy(Protocol):
    """What of gradclip's clips before the steps of one optimizer."""

    def begin(self) -> None:
        """Begin a step."""
        ...

    def clip(self) -> None:
        """Clip the gradients that there are, or have the step do so."""
        ...

    def clip_now(self) -> None:
        """Clip the gradients that a closure has just computed."""
        ...

    def end(self) -> Report | None:
        """End the step, and return what was clipped; None if there was nothing to clip."""
        ...


class Policies:
    """What clips the gradients of optimizers: the policy that was asked for, or one's own.

    Args:
        session: What says which policy, and is told of its warnings.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told = False

    def of(self, optimizer: Optimizer, trained: Trained) -> Policy | None:
        """Return what clips the gradients of an optimizer; None if nothing of gradclip's does."""
        if trained.placement.sharded:
            self._tell_of_sums(trained)
        for owner in owners(optimizer):
            if isinstance(owner, Attached):
                return Own(owner)
        policy = self._session.settings.clip
        if policy is None:
            return None
        if trained.placement.sharded:
            by_hand = _BY_METHOD if trained.placement.flat else _BY_FUNCTION
            self._session.say(_SHARDED.format(by_hand))
            return None
        ours = _kept(optimizer) or self._ours(optimizer, policy, trained)
        if within_backward() and ours.spans_tensors:
            self._session.say(_WITHIN_BACKWARD)
            return None
        return ours

    def _tell_of_sums(self, trained: Trained) -> None:
        """Say once whose gradients are not known here, as soon as there are gradients."""
        if self._told or all(p.grad is None for p in trained.parameters):
            return
        self._told = True
        pairs = zip(trained.names, trained.parameters, strict=True)
        sums = [name for name, p in pairs if is_sum(p.grad)]
        if sums:
            self._session.say(_SUMS.format(len(sums), sums[0]))

    def _ours(self, optimizer: Optimizer, policy: str, trained: Trained) -> "Ours":
        """Return what is made to clip before an optimizer's steps."""
        steps = Steps(
            optimizer,
            policy,
            trained,
            max_skipped=None,
            statistics=True,
            folding=Folding(optimizer),
        )
        steps.clipper.guard = Guard(self._session.say)
        ours = Ours(steps)
        optimizer.register_step_pre_hook(_Keep(ours))
        return ours


class _Keep:
    """A hook that does nothing but keep what clips, as long as there is the optimizer.

    Args:
        ours: What clips.
    """

    def __init__(self, ours: "Ours") -> None:
        self.ours = ours

    def __call__(self, *_: object) -> None:
        """Do nothing."""


def _kept(optimizer: Optimizer) -> "Ours | None":
    """Return what clips before an optimizer's steps; None if nothing does so far."""
    hooks = optimizer._optimizer_step_pre_hooks.values()  # noqa: SLF001 - there is no other list
    return next((hook.ours for hook in hooks if isinstance(hook, _Keep)), None)


class Ours:
    """A policy that clips before an optimizer's steps.

    Args:
        steps: What does it.
    """

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._report: Report | None = None

    @property
    def spans_tensors(self) -> bool:
        """Whether it takes norms over several tensors."""
        return spans_tensors(self._steps.clipper.policy)

    def begin(self) -> None:
        """Begin a step."""
        self._steps.begin()
        self._report = None

    def clip(self) -> None:
        """Clip the gradients that there are."""
        self._steps.clip()
        self._report = self._steps.report

    def clip_now(self) -> None:
        """Clip the gradients of a closure; the first ones are reported."""
        self._steps.clip_now()
        self._report = self._report or self._steps.report

    def end(self) -> Report | None:
        """End the step."""
        self._steps.end()
        return self._report


class Own:
    """A policy that the program itself attached to its optimizer.

    Args:
        attached: What does it.
    """

    def __init__(self, attached: Attached) -> None:
        self._attached = attached
        self._last = attached.report

    def begin(self) -> None:
        """Leave the step to it."""

    def clip(self) -> None:
        """Leave the gradients to it."""

    def clip_now(self) -> None:
        """Leave a closure's gradients to it."""

    def end(self) -> Report | None:
        """Return what it clipped."""
        report = self._attached.report
        return None if report is self._last else report

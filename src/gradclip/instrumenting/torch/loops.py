"""Steps that no optimizer tells of: they end where gradients are cleared, or at the end."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.optim import Optimizer

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.arrivals import Arrivals
from gradclip.instrumenting.torch.losses import Losses
from gradclip.instrumenting.torch.optimizers import Fleet, Trained
from gradclip.instrumenting.torch.roots import roots
from gradclip.instrumenting.torch.rounds import Part
from gradclip.instrumenting.torch.seen import NONFINITE
from gradclip.instrumenting.torch.stepping import Stepping

_TRIALS = 3  # steps by hand of which it is made sure that they are some
_NOT_CLIPPED = (
    "--clip is not applied: the program updates its weights itself, without an optimizer. Call "
    "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0) after loss.backward()."
)


class ByHand(Optimizer):
    """What a program trains that has no optimizer; it never steps.

    Gradients are computed for other ends than training as well: the first steps are such only if
    weights have changed.

    Args:
        parameters: The parameters.
    """

    def __init__(self, parameters: list[Tensor]) -> None:
        # An optimizer's own beginning loads what takes seconds, and is for those that step.
        self.param_groups: list[dict[str, Any]] = [{"params": parameters}]
        self._trials = _TRIALS
        self._before: tuple[Tensor, Tensor] | None = None

    def watch(self) -> None:
        """Remember a weight that is about to be changed, if it is not yet known that they are."""
        if self._trials and self._before is None:
            moving = [p for p in self.param_groups[0]["params"] if _moves(p)]
            if moving:
                least: Tensor = min(moving, key=Tensor.numel)
                self._before = least, least.detach().clone()

    def has_changed(self) -> bool:
        """Tell whether weights have changed since."""
        if not self._trials:
            return True
        before, self._before = self._before, None
        changed = before is not None and not torch.equal(before[0].detach(), before[1])
        self._trials -= changed
        return changed


class Loops:
    """See where a loop ends a step, though no optimizer has stepped.

    A program without an optimizer ends one by clearing the gradients. One that has an optimizer and
    clears gradients that are not finite has left a step out.

    Args:
        session: Where the steps go.
        fleet: The optimizers.
        arrivals: What is known of gradients as they came.
        losses: What was differentiated.

    Attributes:
        pending: Whether there are gradients that no step has got.
        backwards: How many calls of `backward` there have been.
    """

    def __init__(self, session: Session, fleet: Fleet, arrivals: Arrivals, losses: Losses) -> None:
        self.pending = False
        self.backwards = 0
        self._session = session
        self._fleet = fleet
        self._arrivals = arrivals
        self._losses = losses
        self._by_hand: ByHand | None = None
        self._stepping: Stepping | None = None  # of what has no optimizer
        self._left_out: Part | None = None

    def stepped(self) -> None:
        """Be told that an optimizer gets the gradients."""
        self.pending, self._left_out = False, None
        self._by_hand = self._stepping = None

    def backward(self) -> Part | None:
        """Be told of new gradients; return a step that was left out before, if one was."""
        self.backwards += 1
        self.pending = True
        if self._by_hand is None and not self._fleet.exists():
            self._adopt()
        if self._by_hand is not None:
            self._by_hand.watch()
            self._stepping = self._stepping or self._begin(self._by_hand)
        part, self._left_out = self._left_out, None
        if part is not None:
            part.loss = self._losses.take()
        return part

    def clear(self, owner: Any) -> Part | None:
        """Return the step that ends as gradients are cleared, if one does.

        Args:
            owner: The module or the optimizer whose gradients are cleared.
        """
        identities = {id(p) for p in parameters_of(owner) if p.grad is not None}
        if not identities:
            return None
        if self._by_hand is not None:
            return self._end_by_hand(self._by_hand)
        trained = [trained for trained in self._fleet.all() if trained.trains(identities)]
        self.pending = False
        self._left_out = next((p for t in trained if (p := self._leave_out(t))), None)
        return None

    def last(self) -> Part | None:
        """Return the step that the end of the program ends, if there is one."""
        if self._left_out is not None:
            return self.backward()
        part = None
        if self.pending and self._by_hand is not None:
            part = self._end_by_hand(self._by_hand)
        if part is None and self.backwards and not self._session.steps:
            self._session.say(
                f"{self.backwards} calls of backward were seen, but no step of an optimizer: where "
                "weights are updated by hand, model.zero_grad() before each backward ends a step."
            )
        return part

    def _end_by_hand(self, by_hand: ByHand) -> Part | None:
        """Return the step of a program without optimizer, if it is one."""
        self.pending = False
        stepping, self._stepping = self._stepping, None
        if stepping is None or not by_hand.has_changed():
            self._losses.take()
            return None
        if self._session.settings.clip is not None:
            self._session.say(_NOT_CLIPPED)
        stepping.gradients(self._arrivals, self._losses.take())
        return stepping.end(self._arrivals)

    def _adopt(self) -> None:
        """Take the parameters of all models that have gradients for what the program trains."""
        models = [[p for _, p in root.parameters.values()] for root in roots()]
        trained = [m for m in models if any(p.grad is not None for p in m)]
        wanted = {id(p): p for model in trained for p in model if p.requires_grad}
        if not wanted:
            return
        self._by_hand = ByHand(list(wanted.values()))

    def _begin(self, optimizer: Optimizer) -> Stepping:
        due, measured = self._session.due, self._session.wants_update
        return Stepping(optimizer, self._fleet.of(optimizer), None, due=due, measured=measured)

    def _leave_out(self, trained: Trained) -> Part | None:
        """Return a step that is left out, if the gradients are not finite."""
        optimizer = trained.optimizer
        if optimizer is None or not trained.look().column(NONFINITE).any():
            return None
        known, due = self._fleet.of(optimizer), self._session.due
        return Stepping(optimizer, known, None, due=due, measured=False).dropped(
            self._arrivals, None
        )


def parameters_of(owner: Any) -> list[Tensor]:
    """Return the parameters of a module or of an optimizer."""
    if isinstance(owner, Module):
        return list(owner.parameters())
    return [p for group in owner.param_groups for p in group["params"]]


def _moves(parameter: Tensor) -> bool:
    """Tell whether a gradient would change a parameter."""
    return parameter.grad is not None and bool(parameter.grad.any())

"""Gradients as they came, before a program clips them itself."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from torch import Tensor

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.distributed import is_sum
from gradclip.instrumenting.torch.looking import Found, Looked
from gradclip.instrumenting.torch.losses import Losses
from gradclip.instrumenting.torch.optimizers import Fleet, Trained
from gradclip.instrumenting.torch.seen import NORMS, Seen

_FIRST = 3  # steps that are looked at twice, to see whether gradients are changed by hand
_EVERY = 100  # steps after which that is done again
_ROUNDING = 1e-5  # of norms of the same gradients
_UNSCALED = 1e-3  # of float16 gradients, divided by a scale in one case and not in the other


@dataclass(kw_only=True, slots=True)
class Arrival:
    """What an optimizer's gradients were before they were clipped.

    Attributes:
        seen: What was seen of them.
        limit: The threshold that they are clipped by, NaN where it is not known.
        backwards: How many calls of `backward` there had been.
    """

    seen: Found | Looked
    limit: Any
    backwards: int


def watches(step: int) -> bool:
    """Tell whether gradients are looked at twice in a step, to see if they are changed by hand.

    Args:
        step: How many steps have been recorded before.

    Returns:
        Whether they are, though nobody is known to change them.
    """
    return step < _FIRST or not step % _EVERY


class Arrivals:
    """Look at gradients before they are clipped.

    Args:
        session: What counts the steps.
        fleet: The optimizers.
        due: Tells whether the next step of an optimizer is to be recorded.

    Attributes:
        limit: The last threshold that a clip function was given; None before.
        some: Whether something is known of gradients that no step has got.
    """

    def __init__(self, session: Session, fleet: Fleet, due: Callable[[Trained], bool]) -> None:
        self.limit: Any = None
        self._session = session
        self._fleet = fleet
        self._due = due
        self._backwards = 0
        self._by_hand = False
        self.some = False  # asked at every step, of which most have none
        self._clipped: WeakKeyDictionary[Trained, Arrival] = WeakKeyDictionary()
        self._came: WeakKeyDictionary[Trained, Arrival] = WeakKeyDictionary()

    @property
    def policy(self) -> str | None:
        """What the program clips by, for readers of the run; None where it does not."""
        return None if self.limit is None else "the program's own clipping"

    def backward(self, losses: Losses) -> None:
        """Look at what `backward` left, at some steps, or where it is changed by hand.

        Args:
            losses: What knows the scale of a scaled loss.
        """
        self._backwards += 1
        step = self._session.steps // self._session.settings.every
        if self._by_hand or watches(step):
            for trained in self._fleet.all():
                if any(is_sum(p.grad) for p in trained.parameters):
                    continue  # the program adds them up before the step: that is no change by hand
                self._keep(self._came, trained, math.nan, losses.factor)

    def clip(self, parameters: list[Tensor], limit: Any) -> None:
        """Look at the gradients that are about to be clipped, those of a whole optimizer.

        Args:
            parameters: What is clipped.
            limit: The threshold; inf for who only measures.
        """
        if isinstance(limit, int | float) and limit == math.inf:
            return
        self.limit = limit
        identities = set(map(id, parameters))
        for trained in self._fleet.all():
            if trained.trains(identities):
                self._clip(trained, limit)

    def clipped(self, trained: Trained, seen: Found, limit: float) -> None:
        """Be told of gradients that have been clipped since the last `backward`.

        Args:
            trained: Whose they are.
            seen: What was seen of them before.
            limit: The threshold.
        """
        self.some = True
        self._clipped[trained] = Arrival(seen=seen, limit=limit, backwards=self._backwards)

    def clear(self, parameters: list[Tensor]) -> None:
        """Be told of gradients that are cleared before a step has got them, maybe some of many.

        Args:
            parameters: Whose gradients they are.
        """
        identities = set(map(id, parameters))
        for known in (self._clipped, self._came):
            for trained in [t for t in known if t.trains_only(identities)]:
                del known[trained]
        self.some = bool(self._clipped or self._came)

    def take(self, trained: Trained, seen: Seen) -> Arrival | None:
        """Return what an optimizer's gradients were if they were clipped since its last step.

        Args:
            trained: What it trains.
            seen: What is seen of them as it gets them.
        """
        if not self.some:
            return None
        clipped = self._clipped.pop(trained, None)
        came = self._came.pop(trained, None)
        self.some = bool(self._clipped or self._came)
        if clipped is not None:
            return clipped
        if came is None or came.backwards != self._backwards or _same(came.seen, seen):
            return None
        self._tell_by_hand()
        return came

    def _clip(self, trained: Trained, limit: Any) -> None:
        known = self._clipped.get(trained)
        if known is None or known.backwards != self._backwards:
            self._keep(self._clipped, trained, limit, 1.0)
        elif known.limit is not limit and known.limit != limit:
            known.limit = math.nan

    def _keep(
        self, where: WeakKeyDictionary[Trained, Arrival], trained: Trained, limit: Any, factor: Any
    ) -> None:
        if self._due(trained):
            seen = trained.look(factor)
            self.some = True
            where[trained] = Arrival(seen=seen, limit=limit, backwards=self._backwards)

    def _tell_by_hand(self) -> None:
        if not self._by_hand:
            self._by_hand = True
            self._session.say(
                "The program changes gradients itself between backward and the optimizer's step, "
                f"at step {self._session.steps} for one: from there on, the norms before are "
                "those of the gradients as backward left them."
            )


def _same(came: Found | Looked, seen: Seen) -> bool:
    """Tell whether gradients are the same but for rounding; on a device this waits."""
    tolerance = _UNSCALED if came.scaled else _ROUNDING
    before, after = came.column(NORMS), seen.column(NORMS)
    return bool(np.allclose(before, after, rtol=tolerance, atol=0, equal_nan=True))

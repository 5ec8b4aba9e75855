"""Gradients as they came, before a program's own clipping."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from torch import Tensor

from gradclip.instrumenting.torch.optimizers import Fleet, Trained
from gradclip.instrumenting.torch.seen import Looked

Look = Callable[[Trained], Looked]


@dataclass(kw_only=True, slots=True)
class Arrival:
    """What an optimizer's gradients were before they were clipped, and how far they are."""

    seen: Looked
    limit: Any
    backwards: int


class Arrivals:
    """Look at gradients before they are clipped.

    Args:
        fleet: The optimizers, for which of them gradients are.
        look: How to look at them.

    Attributes:
        backwards: How many calls of `backward` there have been.
        limit: The last threshold that a clip was given; None where nothing has been clipped.
    """

    def __init__(self, fleet: Fleet, look: Look) -> None:
        self.backwards = 0
        self.limit: Any = None
        self._fleet = fleet
        self._look = look
        self._arrived: WeakKeyDictionary[Trained, Arrival] = WeakKeyDictionary()

    @property
    def policy(self) -> str | None:
        """What the program clips by, for readers of the run; None where it does not."""
        return None if self.limit is None else "the program's own clipping"

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

    def take(self, trained: Trained) -> Arrival | None:
        """Return what was seen since an optimizer's last step; None if nothing was clipped."""
        return self._arrived.pop(trained, None)

    def _clip(self, trained: Trained, limit: Any) -> None:
        known = self._arrived.get(trained)
        if known is None or known.backwards != self.backwards:
            seen = self._look(trained)
            self._arrived[trained] = Arrival(seen=seen, limit=limit, backwards=self.backwards)
        elif known.limit is not limit and known.limit != limit:
            known.limit = math.nan

"""What was differentiated since the last step."""

from collections.abc import Callable
from typing import Any


class Losses:
    """Losses whose gradients the next step follows.

    Attributes:
        pending: Those since the last step.
        seen: Whether there have been any.
    """

    def __init__(self) -> None:
        self.pending: list[Any] = []
        self.seen = False
        self._scaled: list[tuple[Any, Any]] = []

    def scaled(self, scaled: Any, loss: Any) -> None:
        """Remember that a loss was multiplied before it is differentiated."""
        if scaled is not loss:
            self._scaled = [*self._scaled[-7:], (scaled, loss)]  # of as many models at once

    def forget_scaled(self) -> bool:
        """Tell whether losses were multiplied since the last call, and forget them."""
        scaled, self._scaled = self._scaled, []
        return bool(scaled)

    def add(self, target: Any) -> None:
        """Be told what is differentiated: a loss, or one that was scaled."""
        self.seen = True
        self.pending.append(next((loss for big, loss in self._scaled if big is target), target))

    def take(self, usable: Callable[[Any], bool]) -> Any:
        """Return the sum of what was differentiated since the last call; None for nothing.

        Args:
            usable: Tells whether a tensor can be read here; others are forgotten.
        """
        found = [loss for loss in self.pending if usable(loss)]
        self.pending, self._scaled = [], []
        return sum(found[1:], start=found[0]) if found else None

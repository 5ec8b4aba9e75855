"""Batches whose gradients an optimizer accumulates to one step."""

from collections import deque
from typing import Any

from gradclip.instrumenting.jax.seen import Layout, Number, Packed
from gradclip.instrumenting.jax.targets import Target

_MOST = 256  # rows that wait to be computed, before somebody waits for them

Row = tuple[Packed, int, Layout]


class Waiting:
    """Rows of which it is not known yet whether they are a step, and all that came after them."""

    def __init__(self) -> None:
        self._rows: deque[Row] = deque()

    def __len__(self) -> int:
        return len(self._rows)

    def hold(self, row: Row) -> bool:
        """Keep a row, if it must wait, and return whether it must."""
        if not self._rows and row[2].batches is None:
            return False
        self._rows.append(row)
        return True

    def next(self, *, patient: bool) -> Row | None:
        """Return the next row that is computed; None if there is none.

        Args:
            patient: Whether to wait for it.
        """
        if not self._rows:
            return None
        if not (patient or len(self._rows) > _MOST or self._rows[0][0].ready):
            return None
        return self._rows.popleft()


class Batches:
    """The losses of batches that belong to a step under way."""

    def __init__(self) -> None:
        self._losses: dict[Target, list[Number]] = {}

    def add(self, row: Row, target: Target, loss: Number | None) -> tuple[bool, Number | None]:
        """Add a batch.

        Args:
            row: What is told of it.
            target: What is trained.
            loss: Its loss.

        Returns:
            Whether it ended a step, and the loss of that: its gradient is what was accumulated.
        """
        packed, place, layout = row
        emitted = packed.rows[place, layout.number("emitted")]
        losses = self._losses.setdefault(target, [])
        if emitted >= 0 and loss is not None:
            losses.append(loss)
        if emitted <= 0:
            return False, None
        del self._losses[target]
        return True, _mean(losses) if layout.batches == "mean" else _sum(losses)


def _sum(losses: list[Number]) -> Number | None:
    parts: tuple[Any, ...] = tuple(part for loss in losses for part in loss.parts)
    return Number(parts) if losses else None


def _mean(losses: list[Number]) -> Number | None:
    total = _sum(losses)
    return None if total is None else Number(total.parts, len(losses))

"""Gradients on PyTorch for Keras' optimizers, before a program clips them by itself."""

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple
from weakref import ref

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.replacing import replace_everywhere
from gradclip.instrumenting.torch.wrapping import telling_clips
from gradclip.torch.namespace import TorchNamespace

_MOST = 8  # calls that are remembered: of as many models


class _Came(NamedTuple):
    """What was seen of gradients before they were clipped, in place."""

    gradients: dict[int, "ref[Any]"]  # by their identities, in the columns' order
    columns: Any  # of one look
    limit: float


class Clips:
    """What a program clips by itself before it gives gradients to a Keras optimizer."""

    def __init__(self) -> None:
        self._verbs = TorchNamespace()
        self._came: deque[_Came] = deque(maxlen=_MOST)

    def clip(self, parameters: Sequence[Any], limit: Any) -> None:
        """Look at gradients that are about to be clipped.

        Args:
            parameters: What is clipped.
            limit: The threshold; inf for who only measures.
        """
        gradients = [p.grad for p in parameters if p.grad is not None]
        known = float(limit) if isinstance(limit, int | float) else math.nan
        if known != math.inf and gradients:
            columns = self._verbs.statistics(gradients).columns
            self._came.append(_Came({id(g): ref(g) for g in gradients}, columns, known))

    def take(self, gradients: Sequence[Any]) -> tuple[list[Any] | None, float]:
        """Return what gradients were before they were clipped, and the limit.

        Args:
            gradients: What an optimizer got; None where there is none.

        Returns:
            Columns; None and inf if these were not clipped all at once.
        """
        given = [g for g in gradients if g is not None]
        for came in self._came:
            found = [(r := came.gradients.get(id(g))) is not None and r() is g for g in given]
            if found and all(found) and len(given) == len(gradients):
                order = {identity: i for i, identity in enumerate(came.gradients)}
                places = [order[id(g)] for g in given]
                return [column[places] for column in came.columns], came.limit
        return None, math.inf

    def forget(self) -> None:
        """Forget what was clipped before another loss is differentiated."""
        self._came.clear()


def watch_clips(session: Session, clips: Clips) -> None:
    """Be told of each call of a clip function, wherever it was imported to.

    Args:
        session: The session.
        clips: What is told.
    """

    def tell(parameters: Sequence[Any], limit: Any) -> None:
        if session.framework not in {None, "keras"}:
            return
        with session.ours("Gradients could not be seen before they were clipped"):
            clips.clip(parameters, limit)

    replace_everywhere(telling_clips(tell))

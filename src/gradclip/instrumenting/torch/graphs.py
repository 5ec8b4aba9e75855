"""Steps within CUDA graphs: hooks are called while one is captured, and not when it is replayed."""

from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from torch import Tensor

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.looking import Looked
from gradclip.instrumenting.torch.rounds import Part
from gradclip.instrumenting.torch.seen import Seen, Unless
from gradclip.torch.capturing import captures

_NOT_CLIPPED = (
    "--clip is not applied to steps that CUDA graphs hold. Call "
    "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0) where the graph is captured."
)


class Graphs:
    """Keep what is looked at while a graph is captured: each replay looks again, at the same place.

    Args:
        session: What is told of what cannot be done.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._parts: WeakKeyDictionary[Any, list[Part]] = WeakKeyDictionary()
        self._captured: Any = None

    @property
    def capturing(self) -> bool:
        """Whether a graph is being captured: what is computed is computed at its replays."""
        if self._captured is None:
            return False
        if not captures():  # it failed
            self._captured = None
        return self._captured is not None

    def begin(self, graph: Any) -> None:
        """Be told of a graph that is going to be captured."""
        self._captured = graph
        self._parts.pop(graph, None)

    def end(self) -> None:
        """Be told that it has been."""
        self._captured = None

    def add(self, part: Part) -> None:
        """Keep an optimizer's part in a step that is captured."""
        self._parts.setdefault(self._captured, []).append(part)
        if self._session.settings.clip is not None:
            self._session.say(_NOT_CLIPPED)

    def replayed(self, graph: Any) -> list[Part]:
        """Return the parts in steps that a graph has just taken, as they were this time.

        Args:
            graph: The graph.
        """
        return [_as_it_is(part) for part in self._parts.get(graph, ())]


def _as_it_is(part: Part) -> Part:
    """Return a part that the next replay does not write over."""
    before = _kept(part.before)
    after = before if part.after is part.before else _kept(part.after)
    optimizer = part.trained.optimizer
    return replace(
        part,
        before=before,
        after=after,
        skipped=_own(part.skipped),
        loss=_own(part.loss),
        learning_rate=None if optimizer is None else optimizer.param_groups[0].get("lr"),
    )


def _kept(seen: Seen) -> Seen:
    if isinstance(seen, Unless):
        return Unless(_own(seen.dropped), _kept(seen.seen))
    return seen.kept() if isinstance(seen, Looked) else seen


def _own(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value

"""What a limit is: a rule from the norms of the past to the largest norm allowed now."""

from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

from gradclip.core.arithmetic import Arithmetic, State
from gradclip.core.namespace import Array


class Seen(NamedTuple):
    """What a limit may look at, all in wide precision and finite."""

    norm: Array  # the norm now, of any shape; 1 where it is not finite
    weight: Array | None  # the parameters' norms, in that shape; None unless `relative`
    step: Array  # (): the optimizer's steps before this one


@runtime_checkable
class Limit(Protocol):
    """A rule whose arithmetic goes entry by entry, so that it serves one norm and many.

    A limit sees the norm before it learns from it, and need not guard against NaN: what it
    learned from a norm that is not finite is thrown away.
    """

    relative: ClassVar[bool]  # whether `update` reads the parameters' norms

    def init(self, like: Array, xp: Arithmetic) -> State:
        """Return the state before any norm was seen, for norms shaped like `like`."""

    def update(self, seen: Seen, state: State, xp: Arithmetic) -> tuple[Array, State]:
        """Return the limit for this norm, and the state that has seen it.

        A limit of inf means that there is none yet. Entries of the state are wide, and stored as
        float32 between two steps.
        """

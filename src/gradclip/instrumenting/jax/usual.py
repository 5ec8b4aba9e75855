"""Steps of the only optimizer, each like the one before, as most are: they are taken as rows."""

from typing import Any

from gradclip.instrumenting.column import Column
from gradclip.instrumenting.jax.row import Row
from gradclip.instrumenting.jax.seen import Layout, Number, Packed, Seen
from gradclip.instrumenting.jax.targets import Target, Targets
from gradclip.instrumenting.rounds import Rounds
from gradclip.instrumenting.session import Session

_APPLIED = {"weights": "weight_norms", "updates": "update_norms"}


class Usual:
    """Steps that are one each, of which as little as possible is made where training runs.

    Args:
        session: Where they go.
        targets: What is trained.
        rounds: What else makes steps.
    """

    def __init__(self, session: Session, targets: Targets, rounds: Rounds) -> None:
        self._session = session
        self._targets = targets
        self._rounds = rounds
        self._layout: Layout | None = None  # of what is expected
        self._names: tuple[str, ...] = ()
        self._noted: list[tuple[str, int]] = []

    @property
    def expected(self) -> bool:
        """Whether the next step is expected to be such a one."""
        return self._layout is not None and self._targets.num_sources == 1

    def expect(self, layout: Layout, target: Target) -> None:
        """Expect more of a step that was taken, if the next ones can be taken here.

        Args:
            layout: What was seen of it.
            target: What it trained.
        """
        alone = self._targets.num_sources == 1 and self._rounds.is_alone(target)
        if not alone or layout.batches is not None or "before" not in layout.columns:
            return
        self._layout = layout
        self._names = self._rounds.names_of(target)
        places = {name: layout.number(name) for name in ("loss", "learning_rate")}
        self._noted = [(name, place) for name, place in places.items() if place is not None]

    def leave(self) -> None:
        """Expect nothing."""
        self._layout = None

    def is_one(self, seen: Seen) -> bool:
        """Tell whether something seen is such a step."""
        session = self._session
        return (
            seen.layout is self._layout
            and session.framework == "jax"
            and not session.closed
            and self._targets.num_sources == 1
            and seen.packed.ndim == 1
        )

    def take(self, seen: Seen, *, measured: bool) -> None:
        """Take one.

        Args:
            seen: The step.
            measured: Whether weights and updates were looked at.

        Raises:
            StopTraining: It was the last one that was asked for.
        """
        session, layout = self._session, seen.layout
        with session.ours():
            if session.due:
                packed = Packed(seen.packed, measured=measured)
                row = Row(packed, 0, layout, self._names)
                numbers: dict[str, Any] = {
                    name: Number(((packed, 0, place),)) for name, place in self._noted
                }
                if measured and self._rounds.wants_update() and "updates" in layout.columns:
                    for name, noted in _APPLIED.items():
                        numbers[noted] = Column(packed, 0, layout.column(name) or slice(0))
                session.record(row, **numbers)
        session.end_step()

"""Takes rows of what JAX's compiled functions return of Keras' steps and losses."""

from gradclip.core.statistics import Statistics
from gradclip.instrumenting.column import Column
from gradclip.instrumenting.jax.looking import STATISTICS
from gradclip.instrumenting.jax.seen import Layout, Number, Packed
from gradclip.instrumenting.keras.followed import Followed
from gradclip.instrumenting.keras.stepping import Stepping, Told
from gradclip.instrumenting.rounds import Part


class Step:
    """Takes a row that tells of a step.

    Args:
        stepping: Where the step goes.
        followed: The optimizer.
        limit: The threshold, where the row has none.
        skipped: Whether the step is dropped, where the row does not tell.
    """

    def __init__(
        self, stepping: Stepping, followed: Followed, *, limit: float, skipped: bool
    ) -> None:
        self._stepping = stepping
        self._followed = followed
        self._limit = limit
        self._skipped = skipped

    def __call__(self, packed: Packed, row: int, layout: Layout) -> None:
        columns = {name: _column(packed, row, layout.column(name)) for name in layout.columns}
        numbers = {name: _number(packed, row, layout.number(name)) for name in layout.numbers}
        counts = [columns.get(name) for name in STATISTICS[1:]]
        measured = "updates" in columns
        part = Part(
            optimizer=self._followed.kind,
            parameters=self._followed.parameters,
            before=columns["before"],
            after=columns.get("after", columns["before"]),
            statistics=None if None in counts else Statistics(None, columns["before"], *counts),
            limit=numbers.get("limit", self._limit),
            skipped=numbers.get("skipped", self._skipped),
            learning_rate=numbers.get("learning_rate"),
            applied=(columns["weights"], columns["updates"]) if measured else None,
        )
        self._stepping.add(
            Told(
                followed=self._followed,
                part=part,
                is_step=numbers.get("is_step"),
                measured=measured and packed.measured,
            )
        )


class Loss:
    """Takes a row that is a loss.

    Args:
        stepping: Where the loss goes.
    """

    def __init__(self, stepping: Stepping) -> None:
        self._stepping = stepping

    def __call__(self, packed: Packed, row: int, layout: Layout) -> None:
        self._stepping.add_loss(_number(packed, row, layout.number("loss")))


def _column(packed: Packed, row: int, place: slice | None) -> Column:
    return Column(packed, row, place or slice(0))


def _number(packed: Packed, row: int, place: int | None) -> Number:
    return Number(((packed, row, place or 0),))

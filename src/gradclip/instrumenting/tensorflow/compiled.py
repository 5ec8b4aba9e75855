"""Brings what compiled TensorFlow programs wrote into their rings to the run."""

import time
from typing import Any, Protocol

from gradclip.instrumenting.applying import Change
from gradclip.instrumenting.rounds import Part, Rounds
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.tensorflow.ring import LOSS, ROWS, SKIPPED, Clock, Ring, Seen

_PAUSE = 0.1  # seconds between reads, as between writes: one costs a tenth of a small step


class Trained(Protocol):
    """What is known of an optimizer."""

    kind: str

    @property
    def parameters(self) -> list[tuple[str, Any]]:
        """Names and variables."""
        ...

    def weights(self) -> list[Any]:
        """Return the values on the host."""
        ...


class Compiled:
    """The rings of a program, read between the calls of what it compiled.

    Args:
        session: Where steps go.
        rounds: What puts steps together.
    """

    def __init__(self, session: Session, rounds: Rounds) -> None:
        self._session = session
        self._rounds = rounds
        self._clock: Clock | None = None
        self._rings: list[tuple[Any, Trained, Ring]] = []
        self._losses: dict[int, list[float]] = {}  # of batches whose gradients are accumulated
        self._weights: list[list[Any]] = []  # before a call, where the update is measured
        self._calls = 0  # since the last read
        self._read_at = 0.0
        self._rows_a_call = 1
        self._depth = 0

    def ring(self, key: Any, trained: Trained, length: int) -> Ring:
        """Make a ring for an optimizer's compiled steps.

        Args:
            key: Which optimizer it is.
            trained: What is known of it.
            length: The number of its parameters.

        Returns:
            The ring.
        """
        self._clock = self._clock or Clock()
        ring = Ring(length, self._clock)
        self._rings.append((key, trained, ring))
        return ring

    def before_call(self) -> None:
        """Look at the weights where the call's update is to be measured."""
        self._depth += 1
        if not self._rings or self._depth > 1:
            return
        # Calls that only evaluate are counted as steps until what was written is read: it tells.
        unread = self._calls * self._rows_a_call
        coming = range(max(unread - self._rows_a_call + 1, 0), unread + 1)
        if not any(map(self._rounds.wants_update, coming)):
            return
        self.read()
        if self._rounds.wants_update():
            with self._session.ours():
                self._weights = [trained.weights() for _, trained, _ in self._rings]

    def after_call(self) -> None:
        """Read what the call wrote, or leave it for later.

        Raises:
            StopTraining: It made the last step that was asked for.
        """
        self._depth -= 1
        if not self._rings or self._depth:
            return
        self._calls += 1
        unread = self._calls * self._rows_a_call
        late = time.perf_counter() - self._read_at > _PAUSE
        if late or self._weights or unread > ROWS // 2 or self._rounds.ends_within(unread):
            self.read()

    def fail_call(self) -> None:
        """Be told that a call failed."""
        self._depth -= 1
        self._weights = []

    def read(self) -> None:
        """Read what there is.

        Raises:
            StopTraining: The last step that was asked for is among it.
        """
        steps: list[tuple[Any, Part]] = []
        with self._session.ours():
            steps = self._steps()
        for key, part in steps:
            self._rounds.add(key, part, alone=len(self._rings) == 1)

    def _steps(self) -> list[tuple[Any, Part]]:
        """Return new steps in their order."""
        found = [
            (seen.stamp, i, seen)
            for i, (_, _, ring) in enumerate(self._rings)
            for seen in ring.read()
        ]
        updates = self._updates(found)
        calls, self._calls, self._read_at = self._calls, 0, time.perf_counter()
        self._rows_a_call = max(self._rows_a_call, len(found) // max(calls, 1))
        self._say_lost()
        parts, parameters = [], [trained.parameters for _, trained, _ in self._rings]
        for _, i, seen in sorted(found, key=lambda row: row[:2]):
            if seen.kind == LOSS:
                self._losses.setdefault(i, []).append(_number(seen.loss))
            else:
                parts.append(
                    (self._rings[i][0], self._part(i, seen, parameters[i], updates.get(i)))
                )
        return parts

    def _updates(self, found: list[tuple[int, int, Seen]]) -> dict[int, Any]:
        """Return what one step of each optimizer changed, where that was to be measured."""
        before, self._weights = self._weights, []
        rows = [i for _, i, seen in found if seen.kind != LOSS]
        if not before or len(set(rows)) != len(rows):
            return {}
        known = [i for i in rows if i < len(before)]
        return {i: Change(before[i], self._rings[i][1].weights()).columns() for i in known}

    def _part(self, i: int, seen: Seen, parameters: list[tuple[str, Any]], update: Any) -> Part:
        """Return what a row says of a step."""
        trained = self._rings[i][1]
        batches = self._losses.pop(i, [])
        loss = sum(batches) / len(batches) if batches else seen.loss
        return Part(
            optimizer=trained.kind,
            parameters=parameters,
            before=seen.before,
            after=seen.after,
            limit=seen.limit,
            skipped=seen.kind == SKIPPED,
            loss=loss,
            learning_rate=seen.learning_rate,
            applied=update,
        )

    def _say_lost(self) -> None:
        lost = sum(ring.lost for _, _, ring in self._rings)
        if lost:
            self._session.say(
                f"Steps are missing: more than {ROWS} were made in one call of a compiled function."
            )


def _number(number: float | None) -> float:
    """Return a number, NaN for none."""
    return float("nan") if number is None else number

"""Records training without making it wait: a thread of its own writes."""

import atexit
import os
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from gradclip.errors import ConfigurationError, RunError
from gradclip.record.arriving import mark
from gradclip.record.block import blocks_of
from gradclip.record.convert import kept, lasting
from gradclip.record.ending import ending
from gradclip.record.environment import describe
from gradclip.record.placing import places_of
from gradclip.record.reading import Reading
from gradclip.record.schema import Json, Status
from gradclip.record.sinks.fanout import Fanout
from gradclip.record.sinks.sink import Sink
from gradclip.record.store import Store
from gradclip.record.together import Step
from gradclip.record.writer import RunWriter

_PAUSE = 0.25  # seconds between writes: a thread that wakes more often takes turns with training
_MOST = 512  # steps written at once
_GLANCE = 1e-3  # seconds between looks at whether all is written, where somebody waits for it


class Recorder:
    """Write what training does to a run directory, from another thread.

    `record` takes a few microseconds: whatever must be computed, copied from a device or written
    is left to a thread. If that cannot keep up, or the disk refuses, training goes on; how many
    steps are missing is said in the run, and in a warning.

    Args:
        path: The run directory, made if missing.
        parameters: What the reports are of, in their order: pairs of names and tensors (such as
            `model.named_parameters()`), or a mapping. Shapes, framework and device are theirs.
        policy: What clips, for readers to know.
        program: What is run; by default the script's name.
        arguments: Its arguments by name; by default those of the command line.
        seed: The seed of weights and batches, if there is one.
        resume: Go on in a directory that holds a run: steps that are recorded anew replace what
            was there. By default it must not hold one.
        rank: This process's number among several that write one run.
        shards: How many of these processes record a part each of every step, norms of which
            readers add up; 1 where each records whole steps.
        updates_every: At every how many steps whoever measures updates shall do so; 0 for never.
        capacity: How many steps may wait for the thread.
        sinks: Where steps go besides, such as `gradclip.record.sinks.TensorBoard("logs/gradclip")`.
            One that fails later is switched off with a warning, and the run goes on.

    Raises:
        ConfigurationError: `parameters` are not pairs of names and tensors, or a sink has no run
            to write to.
        RunError: The directory holds a run already, or cannot be written.

    Example:
        >>> import tempfile, numpy as np, gradclip
        >>> weights = {"w": np.zeros(2)}
        >>> clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0))
        >>> folder = tempfile.mkdtemp()
        >>> with gradclip.Recorder(f"{folder}/run", weights) as recorder:
        ...     for loss in (2.0, 1.5):
        ...         gradients = clipper([np.array([3.0, 4.0])], names=["w"])
        ...         recorder.record(clipper.report, loss=loss)
        >>> gradclip.read_run(f"{folder}/run").loss.tolist()
        [2.0, 1.5]
    """

    def __init__(  # noqa: PLR0913 - what a run is described by
        self,
        path: str | os.PathLike[str],
        parameters: Any,
        *,
        policy: object = None,
        program: str | None = None,
        arguments: Mapping[str, Json] | None = None,
        seed: int | None = None,
        resume: bool = False,
        rank: int = 0,
        shards: int = 1,
        updates_every: int = 10,
        capacity: int = 4096,
        sinks: Sequence[Sink] = (),
    ) -> None:
        if capacity < 1 or updates_every < 0:
            msg = (
                "`capacity` must be >= 1 and `updates_every` >= 0, "
                f"got {capacity} and {updates_every}."
            )
            raise ConfigurationError(msg)
        metadata = replace(describe(parameters, policy, program, arguments, seed), shards=shards)
        self._sinks = Fanout.opened(sinks, metadata)
        try:
            self._writer = RunWriter(path, metadata, resume=resume, rank=rank)
        except BaseException:
            self._sinks.close("failed")
            raise
        self.updates_every = updates_every
        self._names = self._report_names = tuple(p.name for p in metadata.parameters)
        self._places: list[int] | None = None  # of the report's parameters among the run's
        self._next = _following(self._writer, rank) if resume else 0
        self._start = time.perf_counter()
        # Taking turns with one lock would cost the thread that trains more than all else here: each
        # of the two threads has counters of its own, and a deque may be used by both.
        self._waiting: deque[Step] = deque()
        # So many may wait, and so many wait for no pause.
        self._capacity, self._many = capacity, min(_MOST, -(-capacity // 2))
        self._noted: dict[str, Any] = {}
        self._handed = self._settled = 0  # steps that were given to the thread, and are done there
        self._dropped = self._dropped_before = 0  # steps that found no room, and those right before
        self._reading = Reading(len(self._names))
        self._refused = 0  # steps that could not be written
        self._trouble: Exception | None = None
        self._warned = False
        self._closing = threading.Event()
        self._hurry = threading.Event()  # write now, somebody waits
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._work, name="gradclip recorder", daemon=True)
        self._thread.start()
        atexit.register(self._at_exit)

    @property
    def path(self) -> str:
        """The run directory."""
        return str(self._writer.path)

    @property
    def lost(self) -> int:
        """How many steps could not be kept so far."""
        return self._dropped + self._reading.refused + self._refused

    @property
    def wants_update(self) -> bool:
        """Whether the next step's update should be measured."""
        return self.updates_every > 0 and self._next % self.updates_every == 0

    def note(self, **numbers: Any) -> None:
        """Keep numbers for the next step that is recorded.

        Args:
            **numbers: `loss`, `accuracy` or `learning_rate`: numbers, or tensors () of any
                framework, which nobody waits for here. `weight_norms` and `update_norms`, (P,),
                where they were measured.
        """
        self._noted |= {name: kept(value) for name, value in numbers.items()}

    def record(self, report: Any, *, step: int | None = None, **numbers: Any) -> None:
        """Record a step of the optimizer, without waiting.

        Args:
            report: What a Clipper, or whatever clips, reported of the step.
            step: Its number; by default one more than the last one's. One that is not larger
                begins anew there: training went back to a checkpoint.
            **numbers: As in `note`.

        Raises:
            ConfigurationError: The report is of parameters that the run does not have, or a CUDA
                graph is being captured.
        """
        within = mark()
        names = getattr(report, "names", self._report_names)
        if names is not self._report_names and names != self._report_names:
            self._places = places_of(names, self._names)
            self._report_names = names
        seconds = time.perf_counter() - self._start
        number_of_step = self._next if step is None else step
        self._next = number_of_step + 1
        given = {n: v if type(v) is float else kept(v) for n, v in numbers.items()}
        if self._noted:
            given, self._noted = self._noted | given, {}
        if len(self._waiting) < self._capacity:
            self._waiting.append(
                Step(
                    number_of_step,
                    seconds,
                    lasting(report),
                    self._places,
                    given,
                    self._dropped_before,
                    within,
                )
            )
            self._handed += 1
            self._dropped_before = 0
            if len(self._waiting) == self._many:
                self._hurry.set()
        else:
            self._dropped += 1
            self._dropped_before += 1
        if self._trouble is not None or self._dropped or self._sinks.failures:
            self._say_trouble()

    def flush(self) -> None:
        """Wait until all that was recorded is written, or was refused."""
        self._hurry.set()
        while self._settled < self._handed and self._thread.is_alive():
            time.sleep(_GLANCE)
        self._say_trouble()

    def close(
        self, status: Status = "finished", summary: Mapping[str, object] | None = None
    ) -> None:
        """Write what is left, and say in the run how it ended; a second call does nothing.

        Args:
            status: `finished`, `interrupted` or `failed`.
            summary: What to keep of the whole run.
        """
        if self._closing.is_set() or os.getpid() != self._process:  # or a fork of training
            return
        self._closing.set()
        self._hurry.set()
        self._thread.join()
        atexit.unregister(self._at_exit)
        self._sinks.close(status)
        try:
            self._writer.finish(status, summary)
        except RunError as error:
            self._trouble = self._trouble or error
        self._say_trouble()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(*ending(error))

    def _work(self) -> None:
        """Write what waits, until the end."""
        while True:
            self._hurry.wait(_PAUSE)
            self._hurry.clear()
            closing = self._closing.is_set()  # asked first: nothing comes after it
            while self._write_some():
                pass
            if closing:
                return

    def _write_some(self) -> bool:
        """Write what waits, not too much at once; return whether there was any."""
        steps = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST))]
        if not steps:
            return False
        records = self._reading.records(steps) if self._sinks else []
        blocks = [*blocks_of(records)] if self._sinks else self._reading.blocks(steps)
        self._trouble = self._reading.trouble or self._trouble
        try:
            self._writer.append(*blocks)
        except Exception as error:  # noqa: BLE001 - training goes on, whatever a report holds
            self._refused += sum(map(len, blocks))
            self._trouble = error
        self._sinks.write(records)
        self._settled += len(steps)
        return True

    def _say_trouble(self) -> None:
        """Warn once, in the thread that trains, of steps that are not kept, and of each sink."""
        while self._sinks.failures:
            msg = f"{self._sinks.failures.popleft()}. Recording in {self.path} goes on."
            warnings.warn(msg, stacklevel=3)
        if self._warned or (self._trouble is None and not self.lost):
            return
        self._warned = True
        why = self._trouble or f"{self._capacity} steps wait to be written, no more can"
        msg = f"Steps are missing in the run {self.path}, training goes on: {why}"
        warnings.warn(msg, stacklevel=3)

    def _at_exit(self) -> None:
        """End a run that nobody closed, as the program ends."""
        self.close(*ending(getattr(sys, "last_value", None)))


def _following(writer: RunWriter, rank: int) -> int:
    """Return the number of the step after the last one that there is."""
    store = Store(writer.path, rank)
    store.refresh()
    last = store.last_step()
    return 0 if last is None else last + 1

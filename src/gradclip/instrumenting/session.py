"""One process's training as its hooks see it: the run, the count of steps, what went wrong."""

import contextlib
import importlib
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from gradclip.errors import RunError
from gradclip.instrumenting.settings import Settings, numbered
from gradclip.instrumenting.stopping import StopTraining, stop

__all__ = ["Session", "StopTraining"]

_OFTEN, _RARELY = 10, 50  # of how many recorded steps one update is measured,
_MANY = 1000  # before so many of them and after
_PATIENCE = 10.0  # seconds that other ranks wait for rank 0 to begin
_GLANCE = 0.01  # seconds between their looks
_CLOCKS = 1.0  # seconds by which a file system's clock may differ

if TYPE_CHECKING:  # it needs NumPy, which a process that does not train may never load
    from gradclip.record.recorder import Recorder

_Shared = TypeVar("_Shared")


class Session:
    """What the frameworks' hooks tell of a program that trains.

    Nothing is opened before the first step. Hooks work within `ours`, so that their time is
    known and an error of theirs never becomes the program's. They `begin` whenever `framework`
    is None, which it is again in a process that was forked, and in a session opened again.

    Args:
        settings: What was asked for.

    Attributes:
        settings: The same.
        recorder: What writes the run; None before `begin`, or where this process writes none.
        framework: Whose hooks began; None before.
        optimizer: What makes the steps, in a word or two.
        steps: How many steps there have been.
        seconds: How long the hooks have taken altogether.
        notes: What the user must know, each once, in order.
        depth: How many hooks are at work, one within another.
        entered: When the outermost of them, or the last one, began.
        closed: Whether it has ended; hooks may go on, and nothing comes of it.
        rank: This process's number among several that train one model.
        stops: How often training was to end by the steps that were asked for.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.recorder: Recorder | None = None
        self.paths: list[Path] = []
        self.framework: str | None = None
        self.optimizer = ""
        self.steps = 0
        self.seconds = 0.0
        self.notes: list[str] = []
        self.rank = 0
        self.first_step = self.last_step = 0.0  # when they ended, by `perf_counter`
        self._before_first = self._before_last = 0.0  # `seconds` at these times
        self._before_close: list[Callable[[], None]] = []
        self._at_close: list[Callable[[Session], None]] = []
        self._at_begin: list[Callable[[Session], None]] = []
        self._shared: dict[Any, Any] = {}
        self.depth = 0
        self.entered = 0.0
        self._made = time.time()
        self._forked = False
        self.closed = self._closing = False
        self.stops = 0

    @property
    def due(self) -> bool:
        """Whether the step under way is to be recorded."""
        elsewhere = self.framework is not None and self.recorder is None  # as where another rank is
        return not (self.closed or elsewhere) and self.steps % self.settings.every == 0

    @property
    def wants_update(self) -> bool:
        """Whether what the step under way changes is to be measured."""
        return self.due and self.is_measured(self.steps)

    def is_measured(self, step: int) -> bool:
        """Tell whether what a step changes is to be measured: it costs more than all else.

        Args:
            step: The step's number.

        Returns:
            Whether it is among those that are recorded, and of these every tenth, or of later
            ones every fiftieth.
        """
        number, rest = divmod(step, self.settings.every)
        return not rest and number % (_OFTEN if number < _MANY else _RARELY) == 0

    @property
    def overhead(self) -> float:
        """The share of the time between the first and the last step that hooks took; or NaN."""
        duration = self.last_step - self.first_step
        return (self._before_last - self._before_first) / duration if duration > 0 else math.nan

    def ours(self, what: str = "A step could not be recorded") -> "Ours":
        """Take the time of what is ours, and keep its errors from the program.

        Args:
            what: What to say of an error.

        Returns:
            What to do that within.
        """
        return Ours(self, what)

    def say(self, note: str) -> None:
        """Keep what the user must know, once, for the end."""
        if note not in self.notes:
            self.notes.append(note)

    def before_close(self, function: Callable[[], None]) -> None:
        """Call a function before the run is closed, which may record one more step."""
        self._before_close.append(function)

    def at_begin(self, function: "Callable[[Session], None]") -> None:
        """Call a function when the first step is about to be recorded."""
        self._at_begin.append(function)

    def at_close(self, function: "Callable[[Session], None]") -> None:
        """Call a function when the run has been closed."""
        self._at_close.append(function)

    def shared(self, kind: Callable[["Session"], _Shared]) -> _Shared:
        """Return what the hooks of several frameworks have in common, made for the first one.

        Args:
            kind: What makes it of this session.
        """
        if kind not in self._shared:
            self._shared[kind] = kind(self)
        made: _Shared = self._shared[kind]
        return made

    def begin(  # noqa: PLR0913 - what a run is described by
        self,
        framework: str,
        parameters: Sequence[tuple[str, Any]],
        *,
        optimizer: str,
        policy: str | None = None,
        rank: int = 0,
        world: int = 1,
        sharded: bool = False,
    ) -> None:
        """Open the run, before its first step; a second call begins another one.

        Of several processes that train one model the first alone records, where all have the same
        gradients. The others count their steps.

        Args:
            framework: Whose hooks begin.
            parameters: All names and tensors that any step may be of.
            optimizer: What makes the steps, in a word or two.
            policy: What clips, if it is known.
            rank: This process's number among several that train one model.
            world: How many they are.
            sharded: Whether each of them has a part of the gradients only, and records that.

        Raises:
            RunError: The run cannot be written.
        """
        if self.closed:
            return
        if self.recorder is not None:
            self.recorder.close()
        self.framework, self.optimizer, self.rank = framework, optimizer, rank
        if rank and not sharded:
            return
        path = self._claim(rank)
        self.recorder = importlib.import_module("gradclip.record").Recorder(
            path,
            parameters,
            policy=self.settings.clip or policy,
            rank=rank,
            shards=world if sharded else 1,
            resume=rank > 0,
            sinks=[] if rank else self._sinks(path),
        )
        self.paths.append(path)
        for function in self._at_begin:
            function(self)

    def note(self, **numbers: Any) -> None:
        """Keep numbers for the next step, as `Recorder.note`."""
        if self.recorder is not None and not self.closed:
            self.recorder.note(**numbers)

    def record(self, report: Any, **numbers: Any) -> None:
        """Record the step under way.

        Args:
            report: An `Observation`, or a report of gradclip's.
            **numbers: As `Recorder.note` takes them.
        """
        if self.recorder is not None and not self.closed:
            self.recorder.record(report, step=self.steps, **numbers)

    def end_step(self) -> None:
        """Count the step under way, recorded or not.

        Raises:
            StopTraining: It was the last one that was asked for.
        """
        if self.closed:
            return
        self.last_step = now = time.perf_counter()
        # A hook may count steps in the middle of its work.
        self._before_last = self.seconds + (now - self.entered if self.depth else 0.0)
        if not self.steps:
            self.first_step, self._before_first = self.last_step, self._before_last
        self.steps += 1
        if self.settings.steps is not None and self.steps >= self.settings.steps:
            stop(self)

    def close(self, error: BaseException | None = None) -> None:
        """Write what is left, and say in the run how it ended; a second call does nothing.

        Args:
            error: What ended the program, if anything did.
        """
        if self._closing:
            return
        self._closing = True
        for function in self._before_close if self.paths or not self._forked else ():
            with self.ours(), contextlib.suppress(StopTraining):
                function()
        self.closed = True
        if self.recorder is not None:
            ending = importlib.import_module("gradclip.record.ending").ending
            status, kept = ending(error)
            notes = {"notes": self.notes} if self.notes else {}
            with self.ours("Not all could be written"):
                self.recorder.close(status, {**(kept or {}), **notes} or None)
        for ended in self._at_close:
            with self.ours("The end went wrong"):
                ended(self)

    def reopen(self, settings: Settings) -> None:
        """Begin anew with what was closed.

        Args:
            settings: What is asked for now.
        """
        self.settings = settings
        self._forget()
        self._forked = False

    def forget_fork(self) -> None:
        """Begin anew in a process that was forked from one that trained: its run is not ours."""
        self._forget()
        self._forked = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(None if isinstance(error, StopTraining) else error)

    def __repr__(self) -> str:
        done = f"{self.steps or 'no'} step{'' if self.steps == 1 else 's'}"
        place = f" into {self.paths[-1]}" if self.paths else ""
        return f"<gradclip session: {done}{place}, {'closed' if self.closed else 'open'}>"

    def _claim(self, rank: int) -> Path:
        """Return a directory that no other process writes: the first that is free."""
        out = Path(self.settings.out)
        if rank:
            return self._claimed(out)
        number = 1
        while True:
            path = numbered(out, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
            else:
                return path

    def _claimed(self, out: Path) -> Path:
        """Return the directory that rank 0 has claimed: the last one, and new.

        Rank 0 makes it at its first step, when all ranks have met, so after this session.

        Raises:
            RunError: There is none yet.
        """
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            number = 1
            while numbered(out, number + 1).exists():
                number += 1
            with contextlib.suppress(FileNotFoundError):
                if numbered(out, number).stat().st_mtime >= self._made - _CLOCKS:
                    return numbered(out, number)
            time.sleep(_GLANCE)
        msg = f"Rank 0 has begun no run within {_PATIENCE:.0f} seconds at {out}."
        raise RunError(msg)

    def _sinks(self, path: Path) -> list[Any]:
        """Return where steps go besides the run."""
        if self.settings.tensorboard is None:
            return []
        sinks = importlib.import_module("gradclip.record.sinks")
        return [sinks.TensorBoard(Path(self.settings.tensorboard) / path.name)]

    def _forget(self) -> None:
        """Be as new, but for the hooks."""
        self.recorder = self.framework = None
        self.paths, self.notes, self.steps, self.seconds = [], [], 0, 0.0
        self.first_step = self.last_step = self._before_first = self._before_last = 0.0
        self.depth = 0
        self._made = time.time()
        self.closed = self._closing = False
        self.stops = 0


class Ours:
    """What `Session.ours` returns; a generator's would take twice the time.

    Args:
        session: What is told.
        what: What to say of an error.
    """

    __slots__ = ("_began", "_session", "_what")

    def __init__(self, session: Session, what: str) -> None:
        self._session = session
        self._what = what
        self._began = time.perf_counter()

    def __enter__(self) -> None:
        session = self._session
        if not session.depth:
            session.entered = self._began
        session.depth += 1

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        session = self._session
        session.depth -= 1
        if not session.depth:
            session.seconds += time.perf_counter() - self._began
        if not isinstance(error, Exception):
            return False
        session.say(f"{self._what}: {type(error).__name__}: {error}")
        return True

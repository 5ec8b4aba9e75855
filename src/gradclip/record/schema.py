"""What a run directory holds: the names, the fields and the version of its schema."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

SCHEMA_VERSION = 2
RUN_FILE = "run.json"

Status = Literal["running", "finished", "interrupted", "failed"]
Vector = Sequence[float] | Any  # or a NumPy array
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter's name and shape; its place in the list is its place in every record.

    Example:
        >>> Parameter("w1", (784, 256))
        Parameter(name='w1', shape=(784, 256))
    """

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """What is known of a run before its first step.

    Attributes:
        program: What was run, such as `gradclip demo`.
        arguments: Its arguments by name.
        framework: The framework's name, such as `torch`.
        framework_version: Its version.
        gradclip: The version of gradclip.
        python: The version of Python.
        device: Where the steps were computed, such as `cpu`.
        parameters: The parameters, in the order of every record's norms.
        policy: What clipped, such as `global-norm=15`; None for nothing.
        seed: The seed of weights and batches; None if there is none.
        created: When the run began, ISO 8601.
        shards: How many processes record a part each of every step, which readers put together;
            1 where a process records whole steps.

    Example:
        >>> metadata = Metadata(
        ...     program="gradclip demo",
        ...     framework="numpy",
        ...     framework_version="2.4",
        ...     gradclip="0.1.0",
        ...     python="3.11.7",
        ...     parameters=(Parameter("w1", (2, 3)),),
        ...     policy="global-norm=15",
        ... )
        >>> metadata.parameters[0].name
        'w1'
    """

    program: str
    framework: str
    framework_version: str
    gradclip: str
    python: str
    parameters: tuple[Parameter, ...]
    arguments: dict[str, Json] = field(default_factory=dict)
    device: str = "cpu"
    policy: str | None = None
    seed: int | None = None
    created: str = field(default_factory=_now)
    shards: int = 1

    @property
    def began(self) -> float:
        """When the run began, in seconds since 1970."""
        return datetime.fromisoformat(self.created).timestamp()


@dataclass(frozen=True, kw_only=True, slots=True)
class StepRecord:
    """What one step did.

    Attributes:
        step: The step's number, from 0.
        time: Seconds since the start of training.
        loss: The batch's loss before the step.
        accuracy: The share of the batch that was classified rightly before the step, in [0, 1].
        learning_rate: The learning rate in force.
        global_norm_before: The norm of all gradients as one vector, before clipping.
        global_norm_after: The same after clipping.
        limit: The threshold in force; None when there is none.
        scale: How far clipping scaled: the norm after divided by the norm before; exactly 1 when
            it changed nothing.
        skipped: Whether the step was dropped.
        norms_before: Each of P parameters' gradient norm before clipping, (P,).
        norms_after: The same after clipping, (P,).
        largest: The largest magnitude in each gradient before clipping, (P,); None if not looked
            for, and so are the other two.
        nonfinite: The number of entries of each that are NaN or infinite, (P,).
        zeros: The number of entries of each that are 0, (P,).
        weight_norms: Each parameter's norm before the step, (P,); None at most steps.
        update_norms: The norm of what the step really changed of it, (P,); None at most steps.
        lost: The number of steps right before this one that could not be kept.

    Example:
        >>> record = StepRecord(
        ...     step=0,
        ...     time=0.1,
        ...     loss=2.5,
        ...     learning_rate=0.01,
        ...     global_norm_before=5.0,
        ...     global_norm_after=1.0,
        ...     limit=1.0,
        ...     scale=0.2,
        ...     norms_before=(3.0, 4.0),
        ...     norms_after=(0.6, 0.8),
        ... )
        >>> record.skipped, record.accuracy
        (False, None)
    """

    step: int
    time: float
    loss: float | None
    accuracy: float | None = None
    learning_rate: float | None = None
    global_norm_before: float
    global_norm_after: float
    limit: float | None = None
    scale: float
    skipped: bool = False
    norms_before: Vector
    norms_after: Vector
    largest: Vector | None = None
    nonfinite: Vector | None = None
    zeros: Vector | None = None
    weight_norms: Vector | None = None
    update_norms: Vector | None = None
    lost: int = 0

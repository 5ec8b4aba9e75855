"""What a training offers to whoever shows and records it."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from gradclip.record import Metadata, Parameter, StepRecord
from gradclip.record.schema import Json


class Training(Protocol):
    """An experiment under way."""

    @property
    def experiment(self) -> Any:
        """What is trained: a frozen dataclass with framework, widths, clip, clipper and policy."""

    @property
    def version(self) -> str:
        """The framework's version."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters' names and shapes, in the order of every record's norms."""

    @property
    def num_steps(self) -> int:
        """How many steps there will be, at most."""

    def metadata(self, program: str, arguments: Mapping[str, Json]) -> Metadata:
        """Return what a run directory says of this training."""

    def steps(self) -> Iterator[StepRecord]:
        """Train, yielding a record of each step once it is done."""

    def evaluate(self) -> float:
        """Return the share of right answers on data that was not trained on, in [0, 1]."""

    def summary(self) -> dict[str, Json]:
        """Return what to keep of the steps so far."""

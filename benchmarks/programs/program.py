"""What is known of a program: where it is, how it is run, how its copy is made to print."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Source(NamedTuple):
    """Where a program comes from.

    Attributes:
        repository: Its name at GitHub, or an installed package's.
        folder: Where it was fetched to, within the folder that the user names; "" if installed.
        file: The program, within the repository or package.
    """

    repository: str
    folder: str
    file: str


class Edit(NamedTuple):
    """A text that the edited copy has another in place of, wherever it stands.

    Attributes:
        old: Lines of the program.
        new: The same with lines that show the loss and the norms.
    """

    old: str
    new: str


def nothing(folder: Path, work: Path) -> None:
    """Prepare nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A program by somebody else.

    Attributes:
        name: What the page calls it.
        source: Where it comes from.
        arguments: Its own arguments; `{work}` stands for the folder that it runs in.
        module: The module to run in place of the file, as `python -m` does.
        edits: What its edited copy has in place of what.
        prepare: Makes its data in the folder that it runs in; the other is that of all sources.
        environ: Variables of the environment.
        masked: Expressions of what its output says of times.
        files: What it writes that must be the same to the bit, as patterns.
        note: What readers should know.
        exact: Whether the edited copy computes to the bit what the program does.
    """

    name: str
    source: Source
    arguments: tuple[str, ...] = ()
    module: str | None = None
    edits: tuple[Edit, ...]
    prepare: Callable[[Path, Path], None] = nothing
    environ: Mapping[str, str] = field(default_factory=dict)
    masked: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    note: str = ""
    exact: bool = True

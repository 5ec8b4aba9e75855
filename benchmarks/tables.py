"""What is said of a measurement: its numbers as they come, where it was made, tables of it."""

import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

Row = dict[str, Any]
Column = tuple[str, Callable[[Row], str]]
Parts = Mapping[str, tuple[str, Sequence[Column]]]


def shown(part: str, row: Row) -> Row:
    """Say what is measured as it comes."""
    words = (f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
    print(part, *words, sep=" | ", flush=True)
    return row


def place(packages: Sequence[str]) -> str:
    """Say where and with what this is measured.

    Args:
        packages: Those whose versions count.

    Returns:
        A line.
    """
    found = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the measurement, "
        f"Python {platform.python_version()}, {found}"
    )


def page(title: str, module: str, parts: Parts, results: Mapping[str, Any]) -> str:
    """Return a page of tables for the parts that there are.

    Args:
        title: Its title.
        module: What writes it.
        parts: The text and the columns of each part, by its name.
        results: The rows of each part, and its place.
    """
    return "\n".join(_lines(title, module, parts, results)) + "\n"


def of(key: str, form: str = "{:.3g}") -> Callable[[Row], str]:
    """Return what shows a number of a row; nothing where the row lacks it."""
    return lambda row: form.format(row[key]) if key in row else ""


def _lines(title: str, module: str, parts: Parts, results: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {title}\n"
    yield f"Written by `python -m {module}`; `benchmarks/README.md` says how.\n"
    yield from (f"- {part}: {measured}" for part, measured in results["place"].items())
    for part, (text, columns) in parts.items():
        if part in results:
            yield f"\n{text}\n"
            yield f"| {' | '.join(name for name, _ in columns)} |"
            yield f"| {' | '.join(['---'] * len(columns))} |"
            for row in results[part]:
                yield f"| {' | '.join(cell(row) for _, cell in columns)} |"

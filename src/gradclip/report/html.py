"""Writes a run, or several compared, as one page that opens offline."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from gradclip import __version__
from gradclip.errors import ConfigurationError, RunError
from gradclip.record.reader import RunReader
from gradclip.report import tables
from gradclip.report.captions import headline, subtitle, together
from gradclip.report.facts import Facts, gather, thinned_again
from gradclip.report.story import story
from gradclip.report.view import MAX_LINES, MAX_TABLE, escape_json, shown_parameters, view

MAX_BYTES = 760_000  # of data: what ECharts and the page itself leave of 2 MB
MAX_BUCKETS = 800  # about one a pixel of a wide chart
_FEWEST = 24  # points that still make a line, and rows that still make a table
_FEWEST_LINES = 6
_CHARACTERS = 7  # of a number and its comma
_SCALARS = 18  # numbers a bucket: five columns of three, the step, marks
# The order is that of use: functions first, then what runs them.
_SCRIPTS = (
    "format.js", "theme.js", "series.js", "options.js", "layers.js", "profile.js", "tips.js",
    "texts.js", "table.js", "threshold.js", "page.js",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class PageParts:
    """What a page is made of, for a server to serve under a strict Content-Security-Policy.

    Nothing in it is inline: no handlers, no style attributes, no scripts in the body.

    Attributes:
        body: What stands inside `<body>`; the scripts fill it in.
        style: The style sheet.
        scripts: The scripts by file name, in the order to load them in. They define
            `gradclipPage.show(runs)`, which draws a list of what `view_run` returns, and draws
            anew at each later call; the reader's choices stay.
        icon: The page's icon, an SVG image.
    """

    body: str
    style: str
    scripts: Mapping[str, str]
    icon: str


def page_parts() -> PageParts:
    """Return what a page is made of.

    Example:
        >>> list(page_parts().scripts)
        ['echarts.min.js', 'gradclip.js']
    """
    return PageParts(
        body=_body([]),
        style=_asset("page/style.css"),
        scripts={"echarts.min.js": _asset("vendor/echarts.min.js"), "gradclip.js": _bundle()},
        icon=_asset("page/icon.svg"),
    )


def render_html(runs: Mapping[str, RunReader]) -> str:
    """Return the page as text: scripts, styles and data inside, nothing to load.

    Args:
        runs: One run, or several to compare, by the name that the page gives them.

    Returns:
        The page, below 2 MB however long the runs are.

    Raises:
        ConfigurationError: There is no run.
    """
    if not runs:
        raise ConfigurationError("A report must have at least one run, got none.")
    facts, data = _fitting(runs)
    parts = page_parts()
    return Template(_asset("page/offline.html")).substitute(
        title=escape(headline(facts)),
        version=escape(__version__),
        icon=_as_address(parts.icon),
        style=parts.style,
        body=_body(facts),
        data=data,
        echarts=parts.scripts["echarts.min.js"],
        script=parts.scripts["gradclip.js"],
    )


def write_html(path: str | os.PathLike[str], runs: Mapping[str, RunReader]) -> Path:
    """Write the page of some runs.

    Args:
        path: The file to write; its folder is made if missing.
        runs: The runs by name.

    Returns:
        The file's path.

    Raises:
        RunError: The file cannot be written.
    """
    return write_text(path, render_html(runs))


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a report.

    Args:
        path: The file to write; its folder is made if missing.
        text: The report.

    Returns:
        The file's path.

    Raises:
        RunError: The file cannot be written.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        msg = (
            f"The report {target} cannot be written: {error.strerror or error}. "
            "Name a file in a folder in which you may create files."
        )
        raise RunError(msg) from error
    return target


def _fitting(runs: Mapping[str, RunReader]) -> tuple[list[Facts], str]:
    """Return the runs thinned so far that their data are not too long, and the data."""
    rows, lines = MAX_TABLE // len(runs), max(MAX_LINES // len(runs), _FEWEST_LINES)
    facts = [gather(name, reader, _FEWEST) for name, reader in runs.items()]
    while len(data := _data(facts, rows, lines)) > MAX_BYTES and rows > _FEWEST:
        rows //= 2
    each = sum(_SCALARS + 6 * len(shown_parameters(run, lines)) for run in facts)
    num_buckets = int(_FEWEST + max(MAX_BYTES - len(data), 0) / (_CHARACTERS * each))
    num_buckets = min(num_buckets, MAX_BUCKETS)
    while num_buckets > _FEWEST:
        readers = zip(facts, runs.values(), strict=True)
        finer = [thinned_again(run, reader, num_buckets) for run, reader in readers]
        text = _data(finer, rows, lines)
        if len(text) <= MAX_BYTES:
            return finer, text
        num_buckets = int(num_buckets * min(0.9, 0.95 * MAX_BYTES / len(text)))
    return facts, data


def _data(runs: Sequence[Facts], rows: int, lines: int) -> str:
    """Return what the page draws, as JSON."""
    return escape_json([view(run, rows, lines) for run in runs])


def _body(runs: Sequence[Facts]) -> str:
    """Return the page's body: in words and tables where there are runs, empty for scripts else."""
    texts = together(runs) if runs else {}
    charts = ("norm", "profile", "updates", "loss", "accuracy")
    captions = {f"{name}_caption": _lines(texts.get(name, "")) for name in charts}
    return Template(_asset("page/body.html")).substitute(
        captions,
        title=escape(headline(runs)) if runs else "",
        subtitle=escape(subtitle(runs)),
        story="".join(_told(run, named=len(runs) > 1) for run in runs),
        figures=tables.summary(runs) if runs else "",
        tables="".join(map(tables.layers_table, runs)),
        settings=tables.settings_table(runs) if runs else "",
        version=escape(__version__),
    )


def _told(run: Facts, *, named: bool) -> str:
    """Return a run's story as HTML."""
    heading = f"<h2>{escape(run.name)}</h2>" if named else ""
    sentences = "".join(f"<li>{_lines(sentence)}</li>" for sentence in story(run))
    return f"<section>{heading}<ul>{sentences}</ul></section>"


def _lines(text: str) -> str:
    """Return text with a break at each new line, and none before a percent sign."""
    return "<br>".join(escape(line).replace(" %", "&nbsp;%") for line in text.split("\n"))


def _bundle() -> str:
    """Return the page's own scripts as one, which leaves one name behind."""
    scripts = "\n".join(_asset(f"page/{name}") for name in _SCRIPTS)
    return f'(function () {{\n"use strict";\n{scripts}\n}})();\n'


def _as_address(icon: str) -> str:
    """Return an SVG image as an address that needs no request."""
    text = icon.strip().replace('"', "'").replace("#", "%23")
    return "data:image/svg+xml," + text.replace("<", "%3C").replace(">", "%3E")


def _asset(name: str) -> str:
    """Return a file of this package."""
    return files("gradclip.report").joinpath(name).read_text(encoding="utf-8")

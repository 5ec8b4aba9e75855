"""Writes a run, or several compared, as one page that opens offline."""

import os
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from gradclip import __version__
from gradclip.errors import ConfigurationError, RunError
from gradclip.record.run import Run
from gradclip.report import tables
from gradclip.report.captions import captions, headline, subtitle
from gradclip.report.view import to_json

_SCRIPTS = ("format.js", "theme.js", "series.js", "options.js", "tips.js", "layers.js", "page.js")


def render_html(runs: Mapping[str, Run]) -> str:
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
    parts = {
        "title": escape(headline(runs)),
        "subtitle": escape(subtitle(runs)),
        "version": escape(__version__),
        "summary": _summary(runs),
        "tables": "".join(tables.norms_table(name, run) for name, run in runs.items()),
        "settings": tables.settings(runs),
        "data": to_json(runs),
        "style": _asset("page/style.css"),
        "echarts": _asset("vendor/echarts.min.js"),
        "script": "\n".join(_asset(f"page/{name}") for name in _SCRIPTS),
    }
    parts |= {f"{name}_caption": _lines(text) for name, text in captions(runs).items()}
    return Template(_asset("page/template.html")).substitute(parts)


def write_html(path: str | os.PathLike[str], runs: Mapping[str, Run]) -> Path:
    """Write the page of some runs.

    Args:
        path: The file to write; its folder is made if missing.
        runs: The runs by name.

    Returns:
        The file's path.

    Raises:
        RunError: The file cannot be written.
    """
    target = Path(path)
    text = render_html(runs)
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


def _summary(runs: Mapping[str, Run]) -> str:
    """Return tiles for one run, a table for several."""
    if len(runs) == 1:
        return tables.tiles(next(iter(runs.values())))
    return tables.comparison(runs)


def _lines(text: str) -> str:
    """Return text with a break at each new line, and none before a percent sign."""
    return "<br>".join(escape(line).replace(" %", "&nbsp;%") for line in text.split("\n"))


def _asset(name: str) -> str:
    """Return a file of this package."""
    return files("gradclip.report").joinpath(name).read_text(encoding="utf-8")

"""The report as text and as Markdown: the summary in words, figures, and a table of layers."""

from collections.abc import Mapping, Sequence

import numpy as np

from gradclip.record.reader import RunReader
from gradclip.report.captions import headline, subtitle
from gradclip.report.facts import Facts, gather
from gradclip.report.layers import LayerFigures, layer_figures
from gradclip.report.story import story
from gradclip.report.tables import tiles
from gradclip.report.wording import number

_NUM_ROWS = 40  # that are still read
_COLUMNS = ("Parameter", "Shape", "First step", "Last step", "Least", "Greatest", "Update/weight")

_Rows = Sequence[Sequence[str]]


def render_text(runs: Mapping[str, RunReader]) -> str:
    """Return the report of some runs as plain text.

    Args:
        runs: The runs by name.
    """
    facts = [gather(name, reader) for name, reader in runs.items()]
    lines = [headline(facts), subtitle(facts)]
    for run in facts:
        lines += ["", *([run.name, "-" * len(run.name)] if len(facts) > 1 else [])]
        lines += [f"* {sentence}" for sentence in story(run)]
        lines += ["", *_text_table([["", ""], *tiles(run).items()])[1:]]
        lines += ["", *_text_table(_layers(run)), *_left_out(run)]
    return "\n".join(lines) + "\n"


def render_markdown(runs: Mapping[str, RunReader]) -> str:
    """Return the report of some runs as Markdown.

    Args:
        runs: The runs by name.
    """
    facts = [gather(name, reader) for name, reader in runs.items()]
    lines = [f"# {_escape(headline(facts))}", "", _escape(subtitle(facts))]
    for run in facts:
        lines += ["", *([f"## {_escape(run.name)}", ""] if len(facts) > 1 else [])]
        lines += [f"- {_escape(sentence)}" for sentence in story(run)]
        lines += ["", *_markdown_table([["Figure", ""], *tiles(run).items()])]
        lines += ["", *_markdown_table(_layers(run)), *_left_out(run)]
    return "\n".join(lines) + "\n"


def _layers(run: Facts) -> list[list[str]]:
    """Return the table of parameters, its header first; evenly spaced ones of many."""
    rows = layer_figures(run)
    places = np.linspace(0, len(rows) - 1, min(len(rows), _NUM_ROWS)).round().astype(int)
    return [list(_COLUMNS), *(_cells(rows[place]) for place in places)]


def _cells(row: LayerFigures) -> list[str]:
    """Return a parameter's figures as text."""
    figures = (row.first, row.last, row.least, row.greatest, row.update_ratio)
    return [row.name, "x".join(map(str, row.shape)) or "-", *map(number, figures)]


def _left_out(run: Facts) -> list[str]:
    """Return what to say of parameters that have no row."""
    count = len(run.metadata.parameters)
    if count <= _NUM_ROWS:
        return []
    return ["", f"{_NUM_ROWS} of {count:,} parameters; --format json has all."]


def _text_table(rows: _Rows) -> list[str]:
    """Return rows of equal columns, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.rjust(width) if place > 1 else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _markdown_table(rows: _Rows) -> list[str]:
    """Return a table whose first row is its header."""
    header, *body = [f"| {' | '.join(map(_escape, row))} |" for row in rows]
    return [header, "|" + " --- |" * len(rows[0]), *body]


def _escape(text: str) -> str:
    r"""Return text that Markdown shows as it is.

    Example:
        >>> _escape("a_b | <i>")
        'a\\_b \\| \\<i>'
    """
    return "".join(f"\\{sign}" if sign in "\\`*_[]<|#" else sign for sign in text)

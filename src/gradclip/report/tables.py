"""The page's tables and tiles: figures that can be read without any chart."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from gradclip.report.facts import Facts
from gradclip.report.figures import Figures, figures
from gradclip.report.layers import layer_figures
from gradclip.report.wording import duration, framework_title, number, percent, plural

_TITLE = 20  # letters that fit over a figure
_NUM_ROWS = 24  # of a table that stands in where no script runs


def tiles(run: Facts) -> dict[str, str]:
    """Return the figures that matter most by their titles, those that are known."""
    return _headline_figures(figures(run))


def summary(runs: Sequence[Facts]) -> str:
    """Return tiles of one run, or a table with a row for each of several, as HTML."""
    if len(runs) > 1:
        return _comparison(runs)
    pairs = [pair for run in runs for pair in tiles(run).items()]
    items = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in pairs)
    return f'<dl class="tiles">{items}</dl>'


def _comparison(runs: Sequence[Facts]) -> str:
    """Return the same figures with one row a run."""
    rows = {run.name: tiles(run) for run in runs}
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    cells = [[run, *(row.get(name, "-") for name in names)] for run, row in rows.items()]
    return table("Figures of each run", ["Run", *names], cells)


def layers_table(run: Facts) -> str:
    """Return the parameters' figures as HTML; the first of them where there are many."""
    rows = [
        [row.name, *map(number, (row.first, row.last, row.least, row.greatest, row.update_ratio))]
        for row in layer_figures(run)[:_NUM_ROWS]
    ]
    header = ["Parameter", "First step", "Last step", "Least", "Greatest", "Update / weight"]
    return table(f"{run.name}: gradient norms before clipping", header, rows)


def settings_table(runs: Sequence[Facts]) -> str:
    """Return what the runs were given as HTML, one column a run."""
    columns = [settings(run) for run in runs]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [[name, *(column.get(name, "-") for column in columns)] for name in names]
    return table("What was run, and how", ["Setting", *(run.name for run in runs)], rows)


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; its first column names the rows, every text is escaped.

    Example:
        >>> table("Sizes", ["name", "size"], [["<a>", "1"]])
        '<div class="scroll" tabindex="0" role="region" aria-label="Sizes"><table><caption>Sizes...
    """
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in header)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(text)}</td>" for text in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _headline_figures(summary: Figures) -> dict[str, str]:
    """Return the figures by their titles, those that are known."""
    shown = {
        "Test accuracy": None if summary.test_accuracy is None else percent(summary.test_accuracy),
        "Batch accuracy": percent(summary.accuracy),
        "Final loss": number(summary.loss),
        "Steps clipped": f"{summary.clipped:,} of {summary.num_steps:,}",
        "Largest norm": number(summary.peak) if summary.peak_step is not None else "not finite",
        "Not finite": plural(summary.non_finite, "step") if summary.non_finite else None,
        "Skipped": plural(summary.skipped, "step") if summary.skipped else None,
        "Not recorded": plural(summary.lost, "step") if summary.lost else None,
        "Damaged": plural(summary.damaged, "record") if summary.damaged else None,
    }
    if not math.isfinite(summary.accuracy) or summary.test_accuracy is not None:
        del shown["Batch accuracy"]
    if summary.layers:
        start, end = summary.layers.ratios
        pair = f"{summary.layers.first} / {summary.layers.last}"
        name = pair if len(pair) <= _TITLE else "First / last layer"
        shown[f"{name}, start → end"] = f"{number(start)} → {number(end)}"
    return {name: text for name, text in shown.items() if text is not None}


def settings(run: Facts) -> Mapping[str, str]:
    """Return what one run was given."""
    metadata, numbers = run.metadata, run.numbers
    entries = {
        "program": metadata.program,
        "status": run.status,
        "framework": f"{framework_title(metadata.framework)} {metadata.framework_version}",
        "clipping": metadata.policy or "none",
        "seed": "none" if metadata.seed is None else str(metadata.seed),
        "device": metadata.device,
        "python": metadata.python,
        "gradclip": metadata.gradclip,
        "created": metadata.created,
        "steps": str(len(numbers.steps)),
        "time": duration(float(numbers.time[-1])) if len(numbers.time) else "0 s",
        "parameters": str(len(metadata.parameters)),
    }
    given = {name: _text(value) for name, value in metadata.arguments.items()}
    return entries | {name: text for name, text in given.items() if name not in entries}


def _text(value: object) -> str:
    """Return an argument as one would have typed it."""
    if isinstance(value, list | tuple):
        return ",".join(str(entry) for entry in value)
    return "-" if value is None else str(value)

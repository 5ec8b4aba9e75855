"""The page's tables and tiles: figures that can be read without any chart."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from gradclip.record.run import Run
from gradclip.record.thin import bucket_starts
from gradclip.report.figures import Figures, figures
from gradclip.report.view import shown_parameters
from gradclip.report.wording import duration, framework_title, number, percent

_NUM_ROWS = 12  # of a table that stands in for a chart


def tiles(run: Run) -> str:
    """Return the figures that matter most, as a list of tiles."""
    pairs = _headline_figures(figures(run)).items()
    items = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in pairs)
    return f'<dl class="tiles">{items}</dl>'


def comparison(runs: Mapping[str, Run]) -> str:
    """Return the same figures with one row a run."""
    rows = {name: _headline_figures(figures(run)) for name, run in runs.items()}
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    cells = [[run, *(row.get(name, "-") for name in names)] for run, row in rows.items()]
    return table("Figures of each run", ["Run", *names], cells)


def norms_table(name: str, run: Run) -> str:
    """Return some steps' norms before and after clipping, evenly spaced over the run."""
    parameters = run.metadata.parameters
    shown = shown_parameters(len(parameters))[:_NUM_ROWS] if parameters else []
    places = bucket_starts(len(run.steps), _NUM_ROWS - 1).tolist()
    places += [len(run.steps) - 1] if len(run.steps) > len(places) else []
    rows = [
        [
            str(run.steps[row]),
            number(run.loss[row]),
            _pair(run.global_norm_before[row], run.global_norm_after[row]),
            *(_pair(run.norms_before[row, p], run.norms_after[row, p]) for p in shown),
        ]
        for row in places
    ]
    header = ["Step", "Loss", "All", *(parameters[place].name for place in shown)]
    return table(f"{name}: gradient norms before → after clipping", header, rows)


def settings(runs: Mapping[str, Run]) -> str:
    """Return what the runs were given, one column a run."""
    columns = [_settings(run) for run in runs.values()]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [[name, *(column.get(name, "-") for column in columns)] for name in names]
    return table("What was run, and how", ["Setting", *runs], rows)


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
        "Not finite": f"{summary.non_finite:,} steps" if summary.non_finite else None,
        "Skipped": f"{summary.skipped} steps" if summary.skipped else None,
    }
    if not math.isfinite(summary.accuracy) or summary.test_accuracy is not None:
        del shown["Batch accuracy"]
    if summary.layers:
        start, end = summary.layers.ratios
        name = f"{summary.layers.first} / {summary.layers.last}, start → end"
        shown[name] = f"{number(start)} → {number(end)}"
    return {name: text for name, text in shown.items() if text is not None}


def _settings(run: Run) -> dict[str, str]:
    """Return what one run was given."""
    metadata = run.metadata
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
        "steps": str(len(run.steps)),
        "time": duration(float(run.time[-1])) if len(run.time) else "0 s",
        "parameters": ", ".join(
            f"{p.name} {'x'.join(map(str, p.shape))}" for p in metadata.parameters
        ),
    }
    given = {name: _text(value) for name, value in metadata.arguments.items()}
    return entries | {name: text for name, text in given.items() if name not in entries}


def _text(value: object) -> str:
    """Return an argument as one would have typed it."""
    if isinstance(value, list | tuple):
        return ",".join(str(entry) for entry in value)
    return "-" if value is None else str(value)


def _pair(before: float, after: float) -> str:
    """Return a norm before and after, or one if clipping left it."""
    texts = number(before), number(after)
    return texts[0] if texts[0] == texts[1] else " → ".join(texts)

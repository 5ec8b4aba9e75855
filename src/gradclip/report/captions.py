"""The charts in words: captions for everybody, and all there is for who cannot see them."""

from collections.abc import Callable, Mapping

import numpy as np

from gradclip.record.run import Run
from gradclip.report.figures import Figures, figures
from gradclip.report.view import shown_parameters
from gradclip.report.wording import framework_title, number, part_of, percent


def headline(runs: Mapping[str, Run]) -> str:
    """Return the page's title.

    Example:
        >>> headline({})
        'No runs'
    """
    if not runs:
        return "No runs"
    if len(runs) > 1:
        *most, last = runs
        return f"{', '.join(most)} and {last} compared"
    (run,) = runs.values()
    framework = framework_title(run.metadata.framework)
    return f"{_plural(len(run.steps), 'step')} with {framework}, {_clipping(run)}"


def subtitle(runs: Mapping[str, Run]) -> str:
    """Return the line under the title: the program, the framework, the date, how it ended."""
    parts: list[str] = []
    for run in runs.values():
        metadata = run.metadata
        parts += [
            metadata.program,
            f"{framework_title(metadata.framework)} {metadata.framework_version}",
            metadata.created[:16].replace("T", " ") + " UTC",
        ]
        if run.status != "finished":
            parts.append(f"{run.status} after {_plural(len(run.steps), 'step')}")
    return " · ".join(dict.fromkeys(part for part in parts if part))


def captions(runs: Mapping[str, Run]) -> dict[str, str]:
    """Return one caption a chart, by the chart's name.

    Args:
        runs: The runs by name.

    Returns:
        Captions for `norm`, `parameters`, `layers`, `profile`, `loss` and `accuracy`.
    """
    return {
        "norm": _each(runs, _describe_norm),
        "parameters": _describe_parameters(runs),
        "layers": "One row a layer, from the input at the top to the output at the bottom. "
        "Color is the power of ten of the weight's gradient norm before clipping.",
        "profile": _each(runs, _describe_profile),
        "loss": _each(runs, _describe_loss),
        "accuracy": _each(runs, _describe_accuracy),
    }


def _each(runs: Mapping[str, Run], describe: Callable[[Run, Figures], str]) -> str:
    """Return each run's sentences, named where there are several."""
    sentences = {name: describe(run, figures(run)) for name, run in runs.items()}
    if len(sentences) == 1:
        return next(iter(sentences.values()))
    return "\n".join(f"{name}: {sentence}" for name, sentence in sentences.items())


def _describe_norm(run: Run, summary: Figures) -> str:
    """Return how large the gradient was and what clipping did about it."""
    if not summary.num_steps:
        return "No step was recorded."
    peak = f"Before clipping the norm peaked at {number(summary.peak)} (step {summary.peak_step})"
    sentences = [
        f"{peak} and ended at {number(summary.end_norm)}." if summary.peak_step is not None else "",
        _describe_clipping(run, summary),
    ]
    if summary.non_finite:
        sentences.append(f"It was NaN or infinite on {_plural(summary.non_finite, 'step')}.")
    if summary.skipped:
        sentences.append(f"Dropped: {_plural(summary.skipped, 'step')}.")
    return " ".join(filter(None, sentences))


def _describe_clipping(run: Run, summary: Figures) -> str:
    """Return on how many steps clipping acted."""
    if run.metadata.policy is None:
        return "Nothing was clipped."
    limits = run.limit[np.isfinite(run.limit)]
    constant = len(limits) and (limits == limits[0]).all()
    limit = f"The limit of {number(limits[0])}" if constant else "Clipping"
    if not summary.clipped:
        return f"{limit} was never reached."
    return f"{limit} acted on {part_of(summary.clipped, summary.num_steps, 'steps')}."


def _describe_parameters(runs: Mapping[str, Run]) -> str:
    """Return how to read the lines, and whether some are left out."""
    sentence = "Color runs from the input layer to the output layer; biases are dashed."
    if len(runs) > 1:
        sentence = "One color a run; each parameter has a stroke of its own."
    count = max((len(run.metadata.parameters) for run in runs.values()), default=0)
    shown = len(shown_parameters(count)) if count else 0
    return sentence if shown == count else f"{sentence} {shown} of {count} parameters are shown."


def _describe_profile(run: Run, summary: Figures) -> str:
    """Return the vanishing observation."""
    del run
    layers = summary.layers
    if layers is None:
        return "There are fewer than two weights to compare."
    start, end = layers.ratios
    return (
        f"{layers.first} (next to the input) over {layers.last} (next to the output): "
        f"{number(layers.first_norms[0])} / {number(layers.last_norms[0])} = {number(start)} "
        f"at the first step, {number(layers.first_norms[1])} / {number(layers.last_norms[1])} "
        f"= {number(end)} at the last."
    )


def _describe_loss(run: Run, summary: Figures) -> str:
    """Return where the loss began and ended."""
    if not summary.num_steps:
        return "No step was recorded."
    return (
        f"From {number(run.loss[0])} at the first batch to {number(summary.loss)} at the last. "
        f"The lowest was {number(np.min(run.loss, initial=np.inf, where=np.isfinite(run.loss)))}."
    )


def _describe_accuracy(run: Run, summary: Figures) -> str:
    """Return how many were right, in the last batch and on the test images."""
    if not summary.num_steps:
        return "No step was recorded."
    sentence = (
        f"From {percent(run.accuracy[0])} of the first batch to {percent(summary.accuracy)} "
        "of the last."
    )
    if summary.test_accuracy is None:
        return sentence
    return f"{sentence} On test data: {percent(summary.test_accuracy)}."


def _clipping(run: Run) -> str:
    """Return what clipped."""
    return f"clipped by {run.metadata.policy}" if run.metadata.policy else "not clipped"


def _plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}{'s' if count != 1 else ''}"

"""The plots, one file each."""

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")  # before pyplot: no window is wanted

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.clipping import jobs
from benchmarks.clipping.page import bits, middle, name_of, policy_runs
from benchmarks.clipping.store import Outcomes, select
from benchmarks.style import FOLDER, STYLE

_PLAIN, _CLIPPED = "#c8553d", "#0b6bcb"  # told apart by those who see few colors
_GRAY = "#777777"
_UNIFORM_BITS = math.log2(103)  # a guess among all characters: what is above has diverged


def write_plots(outcomes: Outcomes) -> list[Path]:
    """Write the plots of some outcomes.

    Returns:
        The files.
    """
    with plt.rc_context(STYLE):
        figures = {
            "clipping-lengths": _lengths(outcomes),
            "clipping-rates": _rates(outcomes),
            "clipping-policies": _policies(outcomes),
        }
        return [_save(name, figure) for name, figure in figures.items()]


def _save(name: str, figure: Figure) -> Path:
    path = FOLDER / f"{name}.svg"
    figure.savefig(path, facecolor="white", metadata={"Date": None})
    plt.close(figure)
    return path


def _lengths(outcomes: Outcomes) -> Figure:
    """Draw the share of runs that solve the task over the length, as the paper's figure 7."""
    ratios = (*map(len, jobs.LENGTHS.values()), 4)
    figure, axes = plt.subplots(
        1, len(ratios), figsize=(9, 3.4), layout="constrained", width_ratios=ratios
    )
    for plot, (init, choices) in zip(axes, jobs.LENGTHS.items(), strict=False):
        for policy, color, label in _pair():
            shares = [
                100 * _share(outcomes, init=init, length=length, policy=policy)
                for length in choices
            ]
            plot.plot(choices, shares, "o-", color=color, label=label, clip_on=False)
        plot.set(title=init, xlabel="length of the sequences", ylim=(0, 100), xscale="log")
        plot.set_xticks(choices, [f"{length}" for length in choices])
        plot.minorticks_off()
    axes[0].set_ylabel("runs that solve it, %")
    axes[0].legend(frameon=False, loc="lower left")
    _draw_losses(axes[-1], outcomes)
    return figure


def _share(outcomes: Outcomes, **wanted: object) -> float:
    runs = select(outcomes, task="temporal-order", **wanted)
    return sum(run.solved_at is not None for run in runs) / len(runs)


def _draw_losses(plot: Axes, outcomes: Outcomes) -> None:
    """Draw each seed's loss, with clipping and without."""
    length = jobs.POLICY_LENGTH
    for policy, color, label in _pair():
        runs = select(
            outcomes, task="temporal-order", init="smart-tanh", length=length, policy=policy
        )
        for number, run in enumerate(runs):
            places = [
                jobs.TEMPORAL_ORDER_STEPS * (i + 0.5) / 60_000 for i in range(len(run.losses))
            ]
            plot.plot(places, run.losses, color=color, lw=1.2, label=None if number else label)
    plot.axhline(math.log(4), color=_GRAY, lw=1, ls=":")
    plot.annotate("a guess", (0, math.log(4)), color=_GRAY, va="bottom")
    title = f"smart-tanh, length {length}: each seed"
    plot.set(title=title, xlabel="steps, thousands", ylabel="training loss", ylim=(0, 1.8))


def _pair() -> Sequence[tuple[str, str, str]]:
    return (("none", _PLAIN, "SGD"), (jobs.CLIP, _CLIPPED, "SGD-C: clipped at 1"))


def _rates(outcomes: Outcomes) -> Figure:
    """Draw the test loss on text over the learning rate."""
    figure, plot = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    pair = (("none", _PLAIN, "SGD"), (jobs.CHARACTER_CLIP, _CLIPPED, "clipped at 0.25"))
    for policy, color, label in pair:
        all_runs = [select(outcomes, task="characters", lr=lr, policy=policy) for lr in jobs.RATES]
        losses = [[bits(run.test_loss) for run in runs] for runs in all_runs]
        plot.plot(jobs.RATES, list(map(middle, losses)), "o-", color=color, label=label)
        for lr, each in zip(jobs.RATES, losses, strict=True):
            plot.plot([lr] * len(each), each, "_", color=color, ms=9)
    plot.axhline(_UNIFORM_BITS, color=_GRAY, lw=1, ls=":")
    plot.annotate(
        "a guess among all characters", (jobs.RATES[0], _UNIFORM_BITS), color=_GRAY, va="bottom"
    )
    plot.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="bits a character, test")
    plot.set_xticks(jobs.RATES, [f"{lr:g}" for lr in jobs.RATES])
    ticks = (2.5, 4, 10, 30, 100, 300)
    plot.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    plot.minorticks_off()
    plot.legend(frameon=False, loc="center left")
    return figure


def _policies(outcomes: Outcomes) -> Figure:
    """Draw each policy's runs on both tasks, a dot a seed."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    errors = {
        name_of(policy): [100 * run.test_error for run in policy_runs(outcomes, policy)]
        for policy in jobs.POLICIES
    }
    losses = {
        name_of(policy): [
            bits(run.test_loss)
            for run in select(outcomes, task="characters", lr=jobs.POLICY_RATE, policy=policy)
        ]
        for policy in jobs.CHARACTER_POLICIES
    }
    _draw_dots(left, errors)
    _draw_dots(right, losses)
    left.set(title=f"Temporal order, length {jobs.POLICY_LENGTH}", xlabel="test errors, %")
    right.set(
        title=f"Text, rate {jobs.POLICY_RATE:g}", xlabel="bits a character, test", xscale="log"
    )
    return figure


def _draw_dots(plot: Axes, values: dict[str, list[float]]) -> None:
    """Draw a row a name: a dot a value, and a bar at the median."""
    for row, (name, each) in enumerate(values.items()):
        color = _PLAIN if name.startswith("none") else _CLIPPED
        plot.plot(each, [row] * len(each), "o", color=color, alpha=0.55, mew=0, clip_on=False)
        plot.plot([middle(each)], [row], "|", color=color, ms=18, mew=2, clip_on=False)
    plot.set_yticks(range(len(values)), list(values))
    plot.invert_yaxis()

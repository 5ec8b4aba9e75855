"""The plots, one file each."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")  # before pyplot: no window is wanted

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.speed.contenders.case import CASES
from benchmarks.speed.functions import FRAMEWORKS
from benchmarks.speed.limit import LIMIT
from benchmarks.speed.shapes import NETWORKS
from benchmarks.speed.store import Results, Row
from benchmarks.style import FOLDER, STYLE

# Told apart by those who see few colors, and by lightness; gray is of others, color is gradclip's.
_OWN, _OTHERS = ("#8ec1f2", "#0b6bcb"), ("#c9c9c9", "#7d7d7d")
_LIMIT_COLOR = "#c8553d"
_LINES = ("#7d7d7d", "#0b6bcb", "#e39a2d")
_TICKS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)
_LETTER = 0.065  # inches
_STYLE = {**STYLE, "font.size": 9}


def write_plots(results: Results, folder: Path = FOLDER) -> list[Path]:
    """Write the plots of some results.

    Returns:
        The files.
    """
    with plt.rc_context(_STYLE):
        return [_save(folder / f"speed-{name}.svg", figure) for name, figure in _figures(results)]


def _figures(results: Results) -> Iterator[tuple[str, Figure]]:
    functions = results.get("functions", [])
    most = max((row["threads"] for row in functions), default=1)
    for name in FRAMEWORKS:
        rows = [r for r in functions if r["framework"] == name and r["threads"] == most]
        if rows:
            yield name, _bars(rows)
    if "steps" in results:
        yield "steps", _steps(results["steps"])
    if "growth" in results:
        yield "growth", _growth(results["growth"])


def _save(path: Path, figure: Figure) -> Path:
    figure.savefig(path, facecolor="white", metadata={"Date": None})
    plt.close(figure)
    return path


def _bars(rows: list[Row]) -> Figure:
    """Draw a row of plots, one a network: a pair of bars a contender, on a log scale."""
    networks = list(dict.fromkeys(row["network"] for row in rows))
    networks.sort(key=[*NETWORKS, *networks].index)
    names = list(dict.fromkeys((r["group"], r["name"]) for r in rows if r["name"] != LIMIT))
    groups = list(dict.fromkeys(group for group, _ in names))
    names.sort(key=lambda name: groups.index(name[0]))
    labels = [f"{name}, {group}" if len(groups) > 1 else name for group, name in names]
    size = (_LETTER * max(map(len, labels)) + 1.9 * len(networks), 1.2 + 0.3 * len(names))
    figure, all_axes = plt.subplots(
        1, len(networks), figsize=size, layout="constrained", sharey=True, squeeze=False
    )
    for axes, network in zip(all_axes[0], networks, strict=True):
        _draw_network(axes, [row for row in rows if row["network"] == network], names)
        axes.set_title(network)
    all_axes[0][0].set_yticks(range(len(names)), labels)
    all_axes[0][0].invert_yaxis()
    figure.supxlabel("time over that of the framework's own function (the first of each group)")
    handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color in _OWN]
    handles.append(plt.Line2D([], [], color=_LIMIT_COLOR, ls="--"))
    labels = [*CASES, "limit: reading once"]
    figure.legend(handles, labels, loc="outside upper right", ncols=3, frameon=False)
    return figure


def _draw_network(axes: Axes, rows: list[Row], names: Sequence[tuple[str, str]]) -> None:
    for row in rows:
        kind = CASES.index(row["case"])
        median, low, high = row["ratio"]
        if row["name"] == LIMIT:
            if not kind:
                axes.axvline(median, color=_LIMIT_COLOR, ls="--", lw=1.2)
            continue
        place = names.index((row["group"], row["name"])) + (kind - 0.5) * 0.38
        colors = _OWN if row["name"].startswith("gradclip") else _OTHERS
        error = [[max(0, median - low)], [max(0, high - median)]]
        axes.barh(
            place,
            median,
            0.36,
            color=colors[kind],
            xerr=error,
            ecolor="#555555",
            error_kw={"lw": 0.8},
        )
    axes.axvline(1, color="black", lw=0.8)
    axes.set_xscale("log")
    limits = axes.get_xlim()
    axes.set_xticks([x for x in _TICKS if limits[0] <= x <= limits[1]])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.grid(visible=False, axis="y")


def _steps(rows: list[Row]) -> Figure:
    """Draw the overhead of each clip over none, in percent."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    names = list(dict.fromkeys(row["name"] for row in rows))[1:]
    figure, all_axes = plt.subplots(
        1, len(models), figsize=(2.6 + 1.8 * len(models), 2.7), layout="constrained", sharey=True,
        squeeze=False,
    )  # fmt: skip
    for axes, model in zip(all_axes[0], models, strict=True):
        for row in rows:
            if row["model"] == model and row["name"] in names:
                _draw_overhead(axes, row, names.index(row["name"]))
        axes.axvline(0, color="black", lw=0.8)
        axes.set_title(model.replace(", ", ",\n"))
        axes.grid(visible=False, axis="y")
    all_axes[0][0].set_yticks(range(len(names)), names)
    all_axes[0][0].invert_yaxis()
    figure.supxlabel("overhead over a step without clipping, % (with quartiles)")
    handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color in _OWN]
    figure.legend(handles, CASES, loc="outside upper right", ncols=2, frameon=False)
    return figure


def _draw_overhead(axes: Axes, row: Row, place: int) -> None:
    kind = CASES.index(row["case"])
    median, low, high = (100 * (ratio - 1) for ratio in row["ratio"])
    colors = _OWN if row["name"].startswith("gradclip") else _OTHERS
    error = [[max(0, median - low)], [max(0, high - median)]]
    axes.barh(
        place + (kind - 0.5) * 0.38, median, 0.36, color=colors[kind], xerr=error,
        ecolor="#555555", error_kw={"lw": 0.8},
    )  # fmt: skip


def _growth(rows: list[Row]) -> Figure:
    """Draw times and extra memory over sizes."""
    axes_names = list(dict.fromkeys(row["axis"] for row in rows))
    names = list(dict.fromkeys(row["name"] for row in rows))
    figure, all_axes = plt.subplots(
        2, len(axes_names), figsize=(4 * len(axes_names), 5), layout="constrained",
        sharex="col", squeeze=False,
    )  # fmt: skip
    for column, axis in enumerate(axes_names):
        for name, color in zip(names, _LINES, strict=True):
            chosen = [row for row in rows if (row["axis"], row["name"]) == (axis, name)]
            sizes = [row["size"] for row in chosen]
            times = [row["milliseconds"][0] for row in chosen]
            memory = [row["extra_bytes"] / 2**20 for row in chosen]
            all_axes[0][column].plot(sizes, times, "o-", color=color, ms=4, label=name)
            all_axes[1][column].plot(sizes, memory, "o-", color=color, ms=4)
        all_axes[0][column].set(xscale="log", yscale="log", title=f"growing number of {axis}")
        all_axes[1][column].set(xscale="log", xlabel=axis)
        all_axes[1][column].set_yscale("symlog", linthresh=0.1)  # zero can be seen
        most = max(row["extra_bytes"] / 2**20 for row in rows if row["axis"] == axis)
        all_axes[1][column].set_ylim(0, 2 * max(most, 1.0))
    all_axes[0][0].set_ylabel("time, ms")
    all_axes[1][0].set_ylabel("extra memory, MB")
    all_axes[0][0].legend(frameon=False)
    return figure

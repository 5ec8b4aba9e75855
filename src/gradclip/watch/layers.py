"""The layers at a run's last step, in columns; which of them are shown, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradclip.record.run import Column, Run, Updates

NAME = "name"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layers:
    """P tensors at a step, from input to output.

    Attributes:
        step: The step.
        names: Their names, P of them.
        matrices: The places of those that are weights: matrices or more.
        columns: By name, (P,): `before`, `after`, `scale` and `update`, and with statistics
            `largest`, `nonfinite` and `zeros`, a share. NaN where nothing is known.
    """

    step: int
    names: tuple[str, ...]
    matrices: NDArray[np.int64]
    columns: Mapping[str, Column]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Which layers are shown, and in which order.

    Attributes:
        search: Text that a name must hold, in small letters or large; several words must all be.
        key: The column that orders them, or `name`; None for their order from input to output.
        rising: Whether the least comes first.
    """

    search: str = ""
    key: str | None = None
    rising: bool = False


def layers_of(run: Run, updates: Updates | None, known: Layers | None = None) -> Layers | None:
    """Return the tensors of a run's last step.

    Args:
        run: A run, of which the last step counts; there must be one.
        updates: What was really applied, of which the last counts; None if it is not known.
        known: The layers of an earlier step, whose updates stand until others are measured.

    Returns:
        The layers; None if the step is damaged.
    """
    if not len(run.steps):
        return known
    parameters = run.metadata.parameters
    before, after = run.norms_before[-1], run.norms_after[-1]
    unknown = np.full(len(parameters), np.nan)
    columns = {"before": before, "after": after, "scale": _scale(before, after)}
    columns["update"] = unknown if known is None else known.columns["update"]
    if updates is not None and len(updates.steps):
        columns["update"] = updates.ratios[-1]
    sizes = np.array([np.prod(parameter.shape) for parameter in parameters], dtype=np.float64)
    for name in ("largest", "nonfinite", "zeros"):
        column = getattr(run, name)
        if column is not None and not np.isnan(column[-1]).all():
            columns[name] = column[-1]
    if "zeros" in columns:
        columns["zeros"] = columns["zeros"] / np.where(sizes > 0, sizes, np.nan)
    matrices = [place for place, p in enumerate(parameters) if len(p.shape) > 1]
    return Layers(
        step=int(run.steps[-1]),
        names=tuple(parameter.name for parameter in parameters),
        matrices=np.array(matrices or range(len(parameters)), dtype=np.int64),
        columns=columns,
    )


def ordered(layers: Layers, order: Order) -> NDArray[np.int64]:
    """Return the places of the layers that are shown, in order; what is not known comes last.

    Example:
        >>> layers = Layers(
        ...     step=0,
        ...     names=("in", "middle", "out"),
        ...     matrices=np.arange(3),
        ...     columns={"before": np.array([1.0, np.nan, 3.0])},
        ... )
        >>> ordered(layers, Order(key="before")).tolist()
        [2, 0, 1]
        >>> ordered(layers, Order(search="MID")).tolist()
        [1]
    """
    words = order.search.casefold().split()
    names = [name.casefold() for name in layers.names]
    shown = [i for i, name in enumerate(names) if all(word in name for word in words)]
    places = np.array(shown, dtype=np.int64)
    if order.key == NAME:
        return np.array(sorted(shown, key=layers.names.__getitem__, reverse=not order.rising))
    if order.key is None or order.key not in layers.columns:
        return places
    values = layers.columns[order.key][places]
    # NaN sorts last by itself; what rises is the value, or what it is less than the greatest.
    keys = values if order.rising else -values
    return places[np.argsort(keys, kind="stable")]


def _scale(before: Column, after: Column) -> Column:
    """Return how far each was scaled, (P,); NaN for norms that are 0 or not finite."""
    known = (before > 0) & np.isfinite(before) & np.isfinite(after)
    return np.where(known, after / np.where(known, before, 1.0), np.nan)

"""The table of a run's layers, in slices: thousands of names never go over the wire at once."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from gradclip.dashboard.ranges import Slice
from gradclip.dashboard.views import finite
from gradclip.record.reader import RunReader
from gradclip.record.schema import Json

_JOINT = re.compile(r"[./]")  # what PyTorch, and what TensorFlow and JAX put between parts of names


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A row: a parameter, or all those of a prefix.

    Attributes:
        place: The first one's place among all parameters.
        name: Its name, or the prefix.
        count: How many parameters it stands for.
        shape: Its shape; empty for a prefix.
        last: The norm before clipping, at the last step; of several, that of all as one vector.
        mean: The mean norm over the run, likewise.
        largest: The greatest norm of the run; of several, the greatest of any.
        after: The mean norm after clipping.
        broken: At how many steps a norm was NaN or infinite.
    """

    place: int
    name: str
    count: int
    shape: tuple[int, ...]
    last: float
    mean: float
    largest: float
    after: float
    broken: int

    @property
    def kept(self) -> float:
        """The share of the mean norm that clipping left; NaN where there was none."""
        return self.after / self.mean if self.mean else np.nan


def read_layers(reader: RunReader) -> list[Layer]:
    """Return a row for each parameter of a run, in their order.

    Args:
        reader: The run; it is not read whole.

    Returns:
        The rows; NaN for what no step tells.
    """
    whole, count = reader.thin(1), len(reader.metadata.parameters)
    nothing = np.full(count, np.nan)
    last = mean = largest = after = nothing
    broken = np.zeros(count, dtype=np.int64)
    if len(whole.steps):
        before = whole.columns["norms_before"]
        mean, largest = before.mean[0], before.high[0]
        after = whole.columns["norms_after"].mean[0]
        broken = (before.nans + before.infinities)[0]
        end = reader.thin(1, first=int(whole.last_steps[-1]))
        last = end.columns["norms_before"].mean[0]
    return [
        Layer(
            place=place,
            name=parameter.name,
            count=1,
            shape=parameter.shape,
            last=float(last[place]),
            mean=float(mean[place]),
            largest=float(largest[place]),
            after=float(after[place]),
            broken=int(broken[place]),
        )
        for place, parameter in enumerate(reader.metadata.parameters)
    ]


def slice_layers(layers: list[Layer], asked: Slice) -> dict[str, Json]:
    """Return the rows that are asked for, how many there are in all, and of which prefix.

    Args:
        layers: All rows of the run.
        asked: Which of them.

    Returns:
        What the page shows as it is.
    """
    found = _matching(layers, asked)
    prefix = asked.prefix
    if asked.grouped:
        prefix = _common_prefix(found, prefix)
        found = _grouped(found, prefix)
    found = _sorted(found, asked)
    shown = found[asked.first : asked.first + asked.count]
    return {"total": len(found), "prefix": prefix, "rows": [_as_json(row) for row in shown]}


def _matching(layers: list[Layer], asked: Slice) -> list[Layer]:
    """Return the layers that have the prefix, and every word of the search in their names."""
    words = asked.search.casefold().split()
    return [
        layer
        for layer in layers
        if layer.name.startswith(asked.prefix)
        and all(word in layer.name.casefold() for word in words)
    ]


def _common_prefix(layers: list[Layer], prefix: str) -> str:
    """Return the longest prefix that all names share: a level with one entry is no choice."""
    while layers:
        heads = {_head(layer.name, prefix) for layer in layers}
        head = next(iter(heads))
        if len(heads) > 1 or head == layers[0].name:
            break
        prefix = head
    return prefix


def _grouped(layers: list[Layer], prefix: str) -> list[Layer]:
    """Return one row for each next part of the names."""
    groups: dict[str, list[Layer]] = {}
    for layer in layers:
        groups.setdefault(_head(layer.name, prefix), []).append(layer)
    return [_joined(head, members) for head, members in groups.items()]


def _head(name: str, prefix: str) -> str:
    """Return a name up to the joint behind the prefix; the whole name if there is none."""
    joint = _JOINT.search(name, len(prefix))
    return name[: joint.end()] if joint else name


def _joined(head: str, members: list[Layer]) -> Layer:
    """Return a row for several layers; one alone stays what it is."""
    if len(members) == 1:
        return members[0]
    return Layer(
        place=members[0].place,
        name=head,
        count=len(members),
        shape=(),
        last=_norm(layer.last for layer in members),
        mean=_norm(layer.mean for layer in members),
        largest=max((m.largest for m in members if not np.isnan(m.largest)), default=np.nan),
        after=_norm(layer.after for layer in members),
        broken=max(layer.broken for layer in members),
    )


def _norm(norms: Iterable[float]) -> float:
    """Return the norm of all parts as one vector."""
    return float(np.sqrt(np.sum(np.square(np.fromiter(norms, dtype=np.float64)))))


def _sorted(layers: list[Layer], asked: Slice) -> list[Layer]:
    """Return them in order; what is not known comes last, whichever way."""
    if asked.sort == "name":
        return sorted(layers, key=lambda layer: _natural(layer.name), reverse=asked.falling)
    value: Callable[[Layer], float] = lambda layer: float(getattr(layer, asked.sort))  # noqa: E731
    known = [layer for layer in layers if not np.isnan(value(layer))]
    unknown = [layer for layer in layers if np.isnan(value(layer))]
    return sorted(known, key=value, reverse=asked.falling) + unknown


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key that puts layer 9 before layer 10."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)
    ]


def _as_json(layer: Layer) -> dict[str, Json]:
    return {
        "place": layer.place,
        "name": layer.name,
        "count": layer.count,
        "shape": list(layer.shape),
        "last": finite(layer.last),
        "mean": finite(layer.mean),
        "largest": finite(layer.largest),
        "kept": finite(layer.kept),
        "broken": layer.broken,
    }

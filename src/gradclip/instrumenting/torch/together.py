"""Reads the same parts of many steps at once, where the C library looked at plain gradients."""

import functools
from array import array
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradclip.instrumenting.ratio import ratio
from gradclip.instrumenting.torch.looking import Found
from gradclip.kernels import cpu
from gradclip.torch.squares import hypotenuse

if TYPE_CHECKING:  # which reads its steps by this module
    from gradclip.instrumenting.torch.rounds import Part

# What the C library writes, by the names of a step's columns.
_COLUMNS = {
    "norms": (cpu.Column.NORMS, "f8"),
    "largest": (cpu.Column.LARGEST, "f8"),
    "nonfinite": (cpu.Column.NONFINITE, "i8"),
    "zeros": (cpu.Column.ZEROS, "i8"),
}

Table = NDArray[np.void]


def form_of(parts: "Sequence[Part]") -> Hashable:
    """Return what steps that are read at once have in common; None for one that is read alone.

    Args:
        parts: Those of a step.
    """
    forms = []
    for part in parts:
        same = part.after is part.before
        plain = type(part.before) is Found and (same or type(part.after) is Found)
        if not (plain and isinstance(part.limit, float | int) and isinstance(part.skipped, bool)):
            return None
        forms.append((len(part.names), same))
    return tuple(forms)


def columns_of(
    steps: "Sequence[Sequence[Part]]", skipped: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    """Return norms and statistics of N steps, by the names of a `StepRecord`'s fields.

    Args:
        steps: Their parts, of one form.
        skipped: Which steps were dropped, (N,).
    """
    before = [_table([part.before for part in parts]) for parts in zip(*steps, strict=True)]
    same = all(part.after is part.before for part in steps[0])
    after = before
    if not same:
        after = [_table([part.after for part in parts]) for parts in zip(*steps, strict=True)]
    totals, given = _totals(before), _totals(after)
    given[skipped] = 0.0
    return {
        "global_norm_before": totals,
        "global_norm_after": given,
        "scale": np.ones(len(steps)) if same else ratio(totals, given),
        "norms_before": _column(before, "norms"),
        "norms_after": _column(after, "norms"),
        **{name: _column(before, name) for name in ("largest", "nonfinite", "zeros")},
    }


def _table(seen: Sequence[Any]) -> Table:
    """Return what was found in an optimizer's gradients, (N,)."""
    found: list[cpu.Found] = [one.found for one in seen]
    memory, length = found[0]
    layout = _layout(length, len(memory) * memory.itemsize)
    return np.frombuffer(b"".join([one.memory for one in found]), layout)


@functools.cache
def _layout(length: int, size: int) -> np.dtype[np.void]:
    """Return what the C library writes of so many tensors, in so many bytes."""
    offset = cpu.Found(array("d"), length).offset
    return np.dtype(
        {
            "names": ["total", *_COLUMNS],
            "formats": ["f8", *((kind, (length,)) for _, kind in _COLUMNS.values())],
            "offsets": [0, *(offset(column) for column, _ in _COLUMNS.values())],
            "itemsize": size,
        }
    )


def _totals(tables: list[Table]) -> NDArray[np.float64]:
    """Return the norms of all gradients as one vector, (N,)."""
    if len(tables) == 1:
        return tables[0]["total"].copy()
    return np.array(
        [hypotenuse(row) for row in np.stack([t["total"] for t in tables], axis=1).tolist()]
    )


def _column(tables: list[Table], name: str) -> NDArray[Any]:
    """Return a column of all optimizers' gradients, (N, P)."""
    return np.concatenate([t[name] for t in tables], axis=1) if len(tables) > 1 else tables[0][name]

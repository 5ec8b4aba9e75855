"""Starts the passes; whoever calls has made the device the current one."""

from typing import Any, NamedTuple

from gradclip.kernels.cuda.layout import Layout
from gradclip.kernels.cuda.library import passes

# Entries that a program looks at together, and how often before float32 sums become float64 ones.
_BLOCK, _ROWS = 1024, 8
_WARPS = 4
_TOGETHER = 1024  # chunks
Array = Any  # what has `data_ptr` and `dtype`, as Triton asks of its arguments


class Tables(NamedTuple):
    """A `Layout` on the device.

    Attributes:
        layout: The layout on the host.
        lengths: As in the layout, and so on.
        starts: Likewise.
        ends: Likewise.
        owners: Likewise.
        offsets: Likewise.
    """

    layout: Layout
    lengths: Array
    starts: Array
    ends: Array
    owners: Array
    offsets: Array


class Partial(NamedTuple):
    """What is found of each of C chunks; memory to write to.

    Attributes:
        squares: Sums of squares, float64.
        largest: The bits of the largest magnitude as float32, int32.
        nonfinite: Numbers of entries that are not finite, int32.
        zeros: Numbers of zeros, int32.
    """

    squares: Array
    largest: Array
    nonfinite: Array
    zeros: Array


class Found(NamedTuple):
    """What is found of T tensors and of all of them; memory to write to.

    Attributes:
        numbers: The 2-norms, then the largest magnitudes, (2, T), float64.
        counts: The numbers of non-finite entries, then those of zeros, (2, T), int64.
        wide: The norm of all and the factor for them, (2,), float64.
        narrow: The norm, one over the factor, and 1 if the norm is not finite, else 0, (3,),
            float32.
    """

    numbers: Array
    counts: Array
    wide: Array
    narrow: Array


def measure(tables: Tables, addresses: Array, partial: Partial) -> None:
    """Read every entry once.

    Args:
        tables: The chunks.
        addresses: Where each tensor's entries are, (T,), int64.
        partial: Where to write to.
    """
    own = (tables.lengths, tables.owners, tables.offsets)
    for kind, first, length in tables.layout.groups:
        passes().measure[(length,)](
            addresses,
            *own,
            *partial,
            first,
            TYPE=passes().TYPES[kind],
            CHUNK=tables.layout.chunk,
            BLOCK=_BLOCK,
            ROWS=_ROWS,
            num_warps=_WARPS,
        )


def finish(
    tables: Tables, partial: Partial, found: Found, limit: Array, unit: Array | None, *, p: float
) -> None:
    """Put the chunks together, and decide.

    Args:
        tables: The chunks.
        partial: What `measure` found.
        found: Where to write to.
        limit: The largest norm, ().
        unit: What the norm is multiplied by before, (); None for 1.
        p: Which norm of all: 2 or inf.
    """
    num_tensors = len(tables.layout.lengths)
    passes().finish[(num_tensors + 1,)](
        tables.starts,
        tables.ends,
        *partial,
        *found,
        limit,
        unit,
        num_tensors,
        tables.layout.num_chunks,
        LARGEST=p == float("inf"),
        BLOCK=_TOGETHER,
    )


def scale(tables: Tables, addresses: Array, factors: Array, *, each: bool) -> None:
    """Multiply in place: 1 leaves a tensor alone, 0 gives zeros, NaN gives NaN.

    Args:
        tables: The chunks.
        addresses: As in `measure`.
        factors: One for all, (), or one for each, (T,), float64.
        each: Whether it is one for each.
    """
    own = (tables.lengths, tables.owners, tables.offsets)
    for kind, first, length in tables.layout.groups:
        passes().scale[(length,)](
            addresses,
            *own,
            factors,
            first + length - 1,
            EACH=each,
            TYPE=passes().TYPES[kind],
            CHUNK=tables.layout.chunk,
            BLOCK=_BLOCK,
            num_warps=_WARPS,
        )

"""Tensors on the CPU as the C library takes them."""

import functools
import math
from collections.abc import Iterable

import torch
from torch import Tensor

from gradclip.core.statistics import Columns, Look, Statistics
from gradclip.kernels import cpu
from gradclip.torch.dense import is_dense

_TYPES = {
    torch.float32: cpu.Type.FLOAT32,
    torch.float64: cpu.Type.FLOAT64,
    torch.float16: cpu.Type.FLOAT16,
    torch.bfloat16: cpu.Type.BFLOAT16,
}
# Other classes may hold their entries elsewhere, or none: DTensor, FakeTensor, nested ones.
_PLAIN = {Tensor, torch.nn.Parameter, torch.nn.Buffer}
# What the library looks for, and where it writes it, by the norm's p.
_NORMS = {
    2.0: (cpu.What.SQUARES, cpu.Column.NORMS),
    math.inf: (cpu.What.LARGEST, cpu.Column.LARGEST),
}
_COLUMN_TYPES = {
    cpu.Column.NORMS: torch.float64,
    cpu.Column.LARGEST: torch.float64,
    cpu.Column.NONFINITE: torch.int64,
    cpu.Column.ZEROS: torch.int64,
    cpu.Column.SINGLE_NORMS: torch.float32,
    cpu.Column.SINGLE_LARGEST: torch.float32,
}

_COUNTS = (cpu.Column.NONFINITE, cpu.Column.ZEROS)
_DOUBLE = (cpu.Column.NORMS, cpu.Column.LARGEST, *_COUNTS)
_SINGLE = (cpu.Column.SINGLE_NORMS, cpu.Column.SINGLE_LARGEST, *_COUNTS)


def table(tensors: list[Tensor]) -> cpu.Table | None:
    """Return a table of tensors that the C library can read and write.

    Args:
        tensors: Tensors that live as long as the table is used.

    Returns:
        The table; None if the library cannot take all of them: other devices, types and layouts,
        views with gaps, anything traced or to be differentiated; or if there is no library.
    """
    types = [t.dtype for t in tensors]
    distinct = set(types)
    if not _may_read(tensors, distinct):
        return None
    # What is asked of each tensor costs as much as the reading where they are small. Layouts are
    # not: those that have no strides raise.
    try:
        gaps = [not (t.is_cpu and (t.is_contiguous() or is_dense(t))) for t in tensors]
        addresses = [t.data_ptr() for t in tensors]
    except RuntimeError:
        return None
    if any(gaps):
        return None
    codes = [_TYPES[dtype] for dtype in (distinct if len(distinct) == 1 else types)]
    return cpu.Table(addresses, [t.numel() for t in tensors], bytes(codes))


def norms(tensors: list[Tensor], p: float) -> Tensor | None:
    """Return the p-norms (T,) of tensors in float64, read by the C library; None if it cannot.

    Args:
        tensors: T tensors.
        p: The p of the norm; the library knows 2 and inf.
    """
    if p not in _NORMS or not tensors or (rows := table(tensors)) is None:
        return None
    what, column = _NORMS[p]
    return _column(rows.measure(what, torch.get_num_threads()), column)


def global_norm(rows: cpu.Table, p: float) -> float | None:
    """Return the p-norm of all tensors of a table as one vector; None for another p."""
    if p not in _NORMS:
        return None
    what, column = _NORMS[p]
    found = rows.measure(what, torch.get_num_threads())
    return found.global_norm if column is cpu.Column.NORMS else found.largest


def scale(rows: cpu.Table, tensors: list[Tensor], factors: float | list[float]) -> None:
    """Multiply tensors in place, each by its factor: 1 leaves a tensor alone, 0 gives zeros.

    Args:
        rows: Their table.
        tensors: The tensors, for autograd to know that they were written to.
        factors: One for all, or one for each, none of them 1.
    """
    if factors == 1.0:
        return
    rows.scale(factors, torch.get_num_threads())
    torch.autograd.graph.increment_version(tensors)


def look(tensors: list[Tensor]) -> Look | None:
    """Return what one look at T tensors finds; None if C cannot read them."""
    if not tensors or (rows := table(tensors)) is None:
        return None
    found = rows.measure(cpu.What.EVERYTHING, torch.get_num_threads())
    norms, *others = _DOUBLE
    # float32 holds the moduli of all other types.
    columns = _DOUBLE if rows.double else (norms, cpu.Column.SINGLE_LARGEST, *others[1:])
    return Look(functools.partial(_columns, found, columns), found.global_norm, rows)


def statistics(tensors: list[Tensor]) -> Statistics | None:
    """Return the statistics of T tensors as users get them; None if C cannot read them."""
    if not tensors or (rows := table(tensors)) is None:
        return None
    found = rows.measure(cpu.What.EVERYTHING, torch.get_num_threads())
    columns = _DOUBLE if rows.double else _SINGLE
    total = torch.tensor(found.global_norm, dtype=_COLUMN_TYPES[columns[0]])
    return Statistics(total, *_columns(found, columns))


def _columns(found: cpu.Found, columns: Iterable[cpu.Column]) -> Columns:
    """Return four columns."""
    norms, largest, nonfinite, zeros = (_column(found, column) for column in columns)
    return norms, largest, nonfinite, zeros


def _column(found: cpu.Found, column: cpu.Column) -> Tensor:
    """Return a column (T,) that shares the memory that the library wrote it to."""
    return torch.frombuffer(
        found.memory,
        dtype=_COLUMN_TYPES[column],
        count=found.length,
        offset=found.offset(column),
    )


def _may_read(tensors: list[Tensor], types: set[torch.dtype]) -> bool:
    """Tell whether the library knows the types, and nothing is traced or to be differentiated."""
    return (
        not torch.compiler.is_compiling()  # first: it cannot see the rest
        and cpu.available()
        and types <= _TYPES.keys()
        and _PLAIN.issuperset(map(type, tensors))
        and torch._C._functorch.peek_interpreter_stack() is None  # noqa: SLF001 - no other way
        and not (torch.is_grad_enabled() and any(t.requires_grad for t in tensors))
    )

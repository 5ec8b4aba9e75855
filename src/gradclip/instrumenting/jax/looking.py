"""Looks at gradients, weights and updates within programs, and leaves these as they are."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gradclip.core.policies.report import Report
from gradclip.instrumenting.jax.seen import Form, Layout, Seen
from gradclip.jax.reductions import count, largest_bits, reduce_together, squares
from gradclip.jax.wide import bits_of_inf, float64_scope, from_bits, magnitude_bits, modulus

STATISTICS = ("before", "largest", "nonfinite", "zeros")


def statistics(tensors: Sequence[Array | None]) -> dict[str, Array]:
    """Return what one look at each of P tensors tells, (P,) each, float32.

    There is no branch in it, for which XLA would have to write the tensors to memory: programs
    that did not would come to other last digits.

    Args:
        tensors: The tensors; None counts as empty.
    """
    with float64_scope():
        rows = [_look(t) for t in tensors]
        stacked = [jnp.stack([x.astype(jnp.float32) for x in c]) for c in zip(*rows, strict=True)]
    return dict(zip(STATISTICS, stacked, strict=True))


def norms(tensors: Sequence[Array | None]) -> Array:
    """Return P norms, (P,), float32."""
    with float64_scope():
        return jnp.stack([_norm(t).astype(jnp.float32) for t in tensors])


class Looked(NamedTuple):
    """Tensors that are looked at, P of each kind, None in place of those that are missing."""

    before: list[Any] | None  # gradients as they came; None if a report tells of them
    entering: list[Any] | None = None  # as they enter the optimizer, if the program changes them
    after: list[Any] | None = None  # as its own clipping leaves them, if it clips
    weights: list[Any] | None = None
    updates: list[Any] | None = None
    moved: list[Any] | None = None  # weights after the step, if they are known: XLA writes these


class Told(NamedTuple):
    """What is known without a look."""

    names: tuple[str, ...]
    forms: tuple[Form, ...]
    source: int | None = None
    optimizer: str = ""
    after: Callable[[Array], Array] | None = None  # from norms that enter to those clipped
    batches: str | None = None


def look(
    looked: Looked, numbers: Mapping[str, Any], report: Report | None, told: Told, due: Any = None
) -> Seen:
    """Return what is seen of a step, as one array.

    Args:
        looked: The tensors.
        numbers: Numbers () by name.
        report: What a policy of gradclip's told of the gradients, if one clipped them.
        told: What is known besides.
        due: Whether to look at weights and updates, (); None for yes. If not, zeros stand there.
    """
    columns = {} if looked.before is None else statistics(looked.before)
    if report is not None:
        columns |= _columns(report, told.names)
        numbers = {**numbers, "limit": _one(report.limit), "skipped": report.skipped}
    rest = {"entering": looked.entering, "after": looked.after}
    columns |= {name: norms(tensors) for name, tensors in rest.items() if tensors is not None}
    if looked.weights is not None and looked.updates is not None:
        columns |= _applied(looked, due)
    if told.after is not None:
        columns["after"] = told.after(columns.get("entering", columns["before"]))
    layout = Layout(
        names=told.names,
        shapes=told.forms,
        columns=tuple(columns),
        numbers=tuple(numbers),
        source=told.source,
        optimizer=told.optimizer,
        batches=told.batches,
    )
    given = (*columns.values(), *numbers.values())
    return Seen(jnp.concatenate([jnp.asarray(x, jnp.float32).reshape(-1) for x in given]), layout)


look_compiled = jax.jit(look, static_argnums=3)


def form(tensor: Any) -> Form:
    """Return a parameter's shape and type."""
    return Form(jnp.shape(tensor), np.dtype(jax.dtypes.result_type(tensor)))


def _columns(report: Report, names: tuple[str, ...]) -> dict[str, Array]:
    """Return what a policy tells of each tensor, without what has no gradient."""
    places = np.array([report.names.index(name) for name in names])
    found = report.statistics
    columns = {"before": report.parts_before, "after": report.parts_after}
    if found is not None:
        columns |= {name: getattr(found, name) for name in STATISTICS[1:]}
    return {name: column[places] for name, column in columns.items()}


def _applied(looked: Looked, due: Any) -> dict[str, Array]:
    """Return the norms of weights and of updates, or zeros."""
    given = looked.weights, looked.updates if looked.moved is None else looked.moved
    both = _update_norms if looked.moved is None else _change_norms
    if due is None:
        found = both(*given)
    else:
        zeros = jnp.zeros(len(looked.weights or ()), jnp.float32)
        found = jax.lax.cond(due, both, lambda *_: (zeros, zeros), *given)
    return dict(zip(("weights", "updates"), found, strict=True))


def _update_norms(weights: Any, updates: Any) -> tuple[Array, Array]:
    return norms(weights), norms(updates)


def _change_norms(weights: Any, moved: Any) -> tuple[Array, Array]:
    changes = [after - before for before, after in zip(weights, moved, strict=True)]
    return norms(weights), norms(changes)


def _one(limit: Array) -> Array:
    """Return a limit; NaN where each tensor has its own."""
    return limit if limit.ndim == 0 else jnp.asarray(jnp.nan)


def _look(tensor: Array | None) -> tuple[Array, Array, Array, Array]:
    """Return the norm, the largest modulus, and the numbers of non-finite entries and of zeros."""
    if tensor is None or not tensor.size:
        zero = jnp.zeros(())
        return zero, zero, zero, zero
    if jnp.iscomplexobj(tensor) or tensor.dtype == jnp.float64:
        moduli = modulus(tensor)
        counts = (jnp.sum(~jnp.isfinite(tensor)), jnp.sum(tensor == 0))
        return _norm(tensor), jnp.max(moduli), *counts
    bits = magnitude_bits(tensor)
    counted = [count(bits >= bits_of_inf(tensor.dtype)), count(bits == 0)]
    total, largest, nonfinite, zeros = reduce_together(
        [squares(tensor), largest_bits(tensor), *counted]
    )
    return jnp.sqrt(total), from_bits(largest, tensor.dtype), nonfinite, zeros


def _norm(tensor: Array | None) -> Array:
    """Return a norm, ()."""
    if tensor is None or not tensor.size:
        return jnp.zeros(())
    if jnp.iscomplexobj(tensor) or tensor.dtype == jnp.float64:
        return jnp.sqrt(jnp.sum(jnp.square(modulus(tensor))))
    # One column alone would be written to memory first: see `reduce_together`.
    return jnp.sqrt(reduce_together([squares(tensor), largest_bits(tensor)])[0])

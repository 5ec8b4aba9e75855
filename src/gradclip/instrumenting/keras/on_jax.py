"""Keras' optimizers on JAX: what compiled functions return besides, or at once where none is."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp

from gradclip.instrumenting.jax.follower import Follower as Returning
from gradclip.instrumenting.jax.looking import STATISTICS, norms, statistics
from gradclip.instrumenting.jax.seen import Layout, Packed, Seen
from gradclip.instrumenting.keras.followed import Followed, Optimizers
from gradclip.instrumenting.keras.follower import Gradients
from gradclip.instrumenting.keras.rows import Loss, Step
from gradclip.instrumenting.keras.stepping import Stepping
from gradclip.instrumenting.losses import Losses
from gradclip.instrumenting.session import Session

_SCALED = (
    "The loss that a LossScaleOptimizer scales in a JAX loop of the program's own is not recorded: "
    "differentiate it unscaled, or record it by hand with a gradclip.Recorder."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """What is to be told of a step, in columns (P,) and numbers ()."""

    followed: Followed
    columns: dict[str, Any]
    numbers: dict[str, Any]
    limit: float
    skipped: bool


@dataclass(slots=True)
class _Held(threading.local):
    """Rows of steps whose updates are still to be known, of this thread."""

    rows: list[list[_Row]] = field(default_factory=list)


class OnJax:
    """The `Backend` for JAX.

    Args:
        returning: What has compiled functions return more.
        stepping: Where steps go.
    """

    def __init__(self, returning: Returning, stepping: Stepping) -> None:
        self._returning = returning
        self._stepping = stepping
        self._held = _Held()

    def eager(self, gradients: Sequence[Any]) -> bool:
        """Tell that nothing is to be done around a step: all is told at its end."""
        del gradients
        return False

    def see(self, gradients: Gradients, losses: Losses) -> None:
        """Look at gradients, which is told later."""
        del losses
        numbers = {"learning_rate": gradients.learning_rate, "is_step": gradients.is_step}
        changed = gradients.after is not gradients.before
        clip = gradients.clip if changed else None
        after = gradients.after if changed and clip is None else None
        traced = any(isinstance(t, jax.core.Tracer) for t in gradients.before)
        columns = (_columns if traced else _columns_compiled)(gradients.before, after, clip)
        self._tell(
            _Row(
                followed=gradients.followed,
                columns=columns,
                numbers={name: number for name, number in numbers.items() if number is not None},
                limit=gradients.limit,
                skipped=gradients.skipped,
            )
        )

    def tell(self, followed: Followed, report: Any, rate: Any, losses: Losses) -> None:
        """Have a report of gradclip's told later."""
        del losses
        found, limit = report.statistics, jnp.asarray(report.limit)
        numbers = {"limit": limit if not limit.ndim else jnp.nan, "skipped": report.skipped}
        columns = {"before": report.parts_before, "after": report.parts_after}
        if found is not None:
            columns |= {name: getattr(found, name) for name in STATISTICS[1:]}
        rates = {} if rate is None else {"learning_rate": rate}
        self._tell(
            _Row(
                followed=followed,
                columns=columns,
                numbers=numbers | rates,
                limit=jnp.inf,
                skipped=False,
            )
        )

    def pass_by(self, followed: Followed, losses: Losses) -> None:
        """Do nothing: steps of accumulated gradients tell of each batch."""

    def lose(self, loss: Any) -> None:
        """Be told of a loss whose gradient a step will follow."""
        seen = Seen(jnp.sum(jnp.asarray(loss, jnp.float32)).reshape(1), _LOSS)
        self._pass_on(replace(seen, layout=replace(_LOSS, taker=Loss(self._stepping))))

    @contextmanager
    def holding(self, weights: Sequence[Any]) -> Iterator[Callable[[Sequence[Any]], None]]:
        """Hold what is told of steps until it is known what they change.

        Args:
            weights: The weights before.

        Yields:
            What is to be told the weights after.
        """
        rows: list[_Row] = []
        self._held.rows.append(rows)
        changed: list[Any] = []
        try:
            yield changed.extend
        finally:
            self._held.rows.pop()
        for row in rows:
            self._tell(self._with_update(row, weights, changed))

    def _with_update(self, row: _Row, before: Sequence[Any], after: Sequence[Any]) -> _Row:
        """Return a row with the norms of weights and of what was changed."""
        if len(before) != len(row.followed) or len(after) != len(before):
            return row
        traced = any(isinstance(t, jax.core.Tracer) for t in after)
        frame = self._returning.frames.current
        due = self._stepping.wants_update() if not traced else None if frame is None else frame.due
        if due is False:
            return row
        found = _applied(list(before), list(after), due if traced else None)
        return replace(row, columns=row.columns | found)

    def _tell(self, row: _Row) -> None:
        """Have a row told, or hold it."""
        if self._held.rows:
            self._held.rows[-1].append(row)
            return
        given = [*row.columns.values(), *row.numbers.values()]
        packed = jnp.concatenate([jnp.asarray(x, jnp.float32).reshape(-1) for x in given])
        layout = Layout(
            names=row.followed.names,
            shapes=(),
            columns=tuple(row.columns),
            numbers=tuple(row.numbers),
            taker=Step(self._stepping, row.followed, limit=row.limit, skipped=row.skipped),
        )
        self._pass_on(Seen(packed, layout))

    def _pass_on(self, seen: Seen) -> None:
        """Have a compiled function return what was seen, or tell of it now."""
        if isinstance(seen.packed, jax.core.Tracer):
            self._returning.pass_on([seen])
        elif seen.layout.taker is not None:
            seen.layout.taker(Packed(seen.packed), 0, seen.layout)


class Differentiated:
    """Takes the losses whose gradients Keras' optimizers will get.

    Args:
        session: Where a note goes.
        backend: What is told of losses.
        optimizers: The optimizers.
        losses: Where it is known whether a loss was scaled.
    """

    def __init__(
        self, session: Session, backend: OnJax, optimizers: Optimizers, losses: Losses
    ) -> None:
        self._session = session
        self._backend = backend
        self._optimizers = optimizers
        self._losses = losses

    def take(self, loss: Any, gradients: Any) -> bool:
        """Take a loss, if its gradients are of an optimizer's variables; tell whether they are."""
        if not self._optimizers.train([jnp.shape(g) for g in jax.tree.leaves(gradients)]):
            return False
        if self._losses.forget_scaled():
            self._session.say(_SCALED)
        else:
            self._backend.lose(loss)
        return True

    def train(self, loss: Any) -> None:
        """Take the loss of Keras' trainer, as it was before it was scaled."""
        self._losses.forget_scaled()
        self._backend.lose(loss)


def _columns(
    before: list[Any], after: list[Any] | None, clip: tuple[bool, float] | None
) -> dict[str, Any]:
    """Return what is seen of gradients, (P,) each.

    Args:
        before: Gradients as they came.
        after: What the optimizer got, if that must be looked at.
        clip: Whether all gradients are clipped as one and to which norm, if that is all: what the
            optimizer got is not read then, with which XLA might compile the step otherwise.
    """
    columns = statistics(before)
    if clip is not None:
        columns["after"] = _shrunk(columns["before"], *clip)
    elif after is not None:
        columns["after"] = norms(after)
    return columns


_columns_compiled = jax.jit(_columns, static_argnums=2)


def _shrunk(norms: Any, together: bool, limit: float) -> Any:  # noqa: FBT001 - a pair, unpacked
    """Return what a Keras optimizer's clipping leaves of norms."""
    norm = jnp.linalg.norm(norms) if together else norms
    return norms * jnp.where(norm > limit, limit / norm, 1.0)


def _applied(before: list[Any], after: list[Any], due: Any) -> dict[str, Any]:
    """Return the norms of weights and of what was changed, or zeros.

    Args:
        before: The weights.
        after: The same after the step.
        due: Whether to look at them, (); None for yes.
    """
    if due is None:
        found = _weights_and_changes(before, after)
    else:
        zeros = jnp.zeros(len(before), jnp.float32)
        found = jax.lax.cond(due, _weights_and_changes, lambda *_: (zeros, zeros), before, after)
    return dict(zip(("weights", "updates"), found, strict=True))


def _weights_and_changes(before: list[Any], after: list[Any]) -> tuple[Any, Any]:
    old, new = (
        [jnp.asarray(t, jnp.promote_types(t.dtype, jnp.float32)) for t in tensors]
        for tensors in (before, after)
    )
    return norms(old), norms([n - o for n, o in zip(new, old, strict=True)])


_LOSS = Layout(names=(), shapes=(), columns=(), numbers=("loss",))

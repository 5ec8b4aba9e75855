"""Keras' optimizers on JAX: what compiled functions return besides, or at once where none is."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from gradclip.core.statistics import Statistics
from gradclip.instrumenting.jax.follower import Follower as Returning
from gradclip.instrumenting.jax.looking import STATISTICS, norms, statistics
from gradclip.instrumenting.jax.seen import Column, Layout, Number, Packed, Seen
from gradclip.instrumenting.keras.followed import Followed
from gradclip.instrumenting.keras.follower import Gradients
from gradclip.instrumenting.keras.stepping import Stepping, Told
from gradclip.instrumenting.losses import Losses
from gradclip.instrumenting.rounds import Part


class OnJax:
    """The `Backend` for JAX.

    Args:
        returning: What has compiled functions return more.
        stepping: Where steps go.
    """

    def __init__(self, returning: Returning, stepping: Stepping) -> None:
        self._returning = returning
        self._stepping = stepping

    def eager(self, gradients: Sequence[Any]) -> bool:
        """Tell that nothing is to be done around a step: all is told at its end."""
        del gradients
        return False

    def see(self, gradients: Gradients, losses: Losses) -> None:
        """Look at gradients, which is told later."""
        del losses
        numbers = {"learning_rate": gradients.learning_rate, "is_step": gradients.is_step}
        loss = self._differentiated()
        given = {"loss": loss, **numbers}
        known = {name: number for name, number in given.items() if number is not None}
        changed = gradients.after is not gradients.before
        clip = gradients.clip if changed else None
        after = gradients.after if changed and clip is None else None
        traced = any(isinstance(t, jax.core.Tracer) for t in gradients.before)
        packed = (_packed if traced else _packed_compiled)(gradients.before, after, known, clip)
        layout = Layout(
            names=gradients.followed.names,
            shapes=(),
            columns=(*STATISTICS, "after") if changed else STATISTICS,
            numbers=tuple(sorted(known)),
        )
        taker = _Step(self._stepping, replace(gradients, before=[], after=[]))
        self._pass_on(Seen(packed, layout), taker)

    def tell(self, followed: Followed, report: Any, rate: Any, losses: Losses) -> None:
        """Have a report of gradclip's told later."""
        del losses
        found, loss = report.statistics, self._differentiated()
        limit = jnp.asarray(report.limit)
        numbers = {
            "limit": limit if not limit.ndim else jnp.nan,
            "skipped": report.skipped,
            **({} if loss is None else {"loss": loss}),
            **({} if rate is None else {"learning_rate": rate}),
        }
        columns = {"before": report.parts_before, "after": report.parts_after}
        if found is not None:
            columns |= {name: getattr(found, name) for name in STATISTICS[1:]}
        given = [*columns.values(), *numbers.values()]
        packed = jnp.concatenate([jnp.asarray(x, jnp.float32).reshape(-1) for x in given])
        layout = Layout(
            names=followed.names, shapes=(), columns=tuple(columns), numbers=tuple(numbers)
        )
        self._pass_on(
            Seen(packed, layout),
            _Step(self._stepping, Gradients(followed=followed, before=[], after=[])),
        )

    def pass_by(self, followed: Followed, losses: Losses) -> None:
        """Do nothing: steps of accumulated gradients tell of each batch."""

    def lose(self, loss: Any) -> None:
        """Be told of the loss that the trainer shows, after the step."""
        seen = Seen(jnp.reshape(jnp.asarray(loss, jnp.float32), (1,)), _LOSS)
        self._pass_on(seen, _Loss(self._stepping))

    def _pass_on(self, seen: Seen, taker: "_Step | _Loss") -> None:
        """Have a compiled function return what was seen, or tell of it now."""
        layout = replace(seen.layout, taker=taker)
        if isinstance(seen.packed, jax.core.Tracer):
            self._returning.pass_on([Seen(seen.packed, layout)])
        else:
            taker(Packed(seen.packed), 0, layout)

    def _differentiated(self) -> Any:
        """Return what the program differentiated for this step, if it was seen."""
        frames = self._returning.frames
        frame = frames.current or frames.outside
        losses = [found.loss for found in frame.gradients]
        frame.gradients = []
        return sum(losses[1:], start=losses[0]) if losses else None


def _packed(
    before: list[Any],
    after: list[Any] | None,
    numbers: dict[str, Any],
    clip: tuple[bool, float] | None,
) -> Any:
    """Return what is seen of a step as one array.

    Args:
        before: Gradients as they came.
        after: What the optimizer got, if that must be looked at.
        numbers: Numbers (), which follow in the order of their names.
        clip: Whether all gradients are clipped as one and to which norm, if that is all: what the
            optimizer got is not read then, with which XLA might compile the step otherwise.
    """
    columns = statistics(before)
    if clip is not None:
        columns["after"] = _shrunk(columns["before"], *clip)
    elif after is not None:
        columns["after"] = norms(after)
    given = [*columns.values(), *(numbers[name] for name in sorted(numbers))]
    return jnp.concatenate([jnp.asarray(x, jnp.float32).reshape(-1) for x in given])


_packed_compiled = jax.jit(_packed, static_argnums=3)


def _shrunk(norms: Any, together: bool, limit: float) -> Any:  # noqa: FBT001 - a pair, unpacked
    """Return what a Keras optimizer's clipping leaves of norms."""
    norm = jnp.linalg.norm(norms) if together else norms
    return norms * jnp.where(norm > limit, limit / norm, 1.0)


class _Step:
    """Takes a row that tells of a step."""

    def __init__(self, stepping: Stepping, gradients: Gradients) -> None:
        self._stepping = stepping
        self._followed = gradients.followed
        self._limit = gradients.limit
        self._skipped = gradients.skipped

    def __call__(self, packed: Packed, row: int, layout: Layout) -> None:
        columns = {name: _column(packed, row, layout.column(name)) for name in layout.columns}
        numbers = {name: _number(packed, row, layout.number(name)) for name in layout.numbers}
        counts = [columns.get(name) for name in STATISTICS[1:]]
        part = Part(
            optimizer=self._followed.kind,
            parameters=self._followed.parameters,
            before=columns["before"],
            after=columns.get("after", columns["before"]),
            statistics=None if None in counts else Statistics(None, columns["before"], *counts),
            limit=numbers.get("limit", self._limit),
            skipped=numbers.get("skipped", self._skipped),
            loss=numbers.get("loss"),
            learning_rate=numbers.get("learning_rate"),
        )
        told = Told(followed=self._followed, part=part, is_step=numbers.get("is_step"))
        self._stepping.add(told)


class _Loss:
    """Takes a row that is the loss of the step before it."""

    def __init__(self, stepping: Stepping) -> None:
        self._stepping = stepping

    def __call__(self, packed: Packed, row: int, layout: Layout) -> None:
        self._stepping.add_loss(_number(packed, row, layout.number("loss")))


_LOSS = Layout(names=(), shapes=(), columns=(), numbers=("loss",))


def _column(packed: Packed, row: int, place: slice | None) -> Column:
    return Column(packed, row, place or slice(0))


def _number(packed: Packed, row: int, place: int | None) -> Number:
    return Number(((packed, row, place or 0),))


def watch_trainer(trainer: Any, backend: OnJax, stepping: Stepping) -> None:
    """Follow the steps of Keras' trainer on JAX.

    Args:
        trainer: Its class.
        backend: What is told of losses.
        stepping: What is told of steps.
    """
    make, update = trainer._make_function, trainer._update_metrics_variables  # noqa: SLF001 - Keras has no public place

    def made(self: Any, step_function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def stepped(state: Any, data: Any) -> Any:
            if len(state) != _PARTS_TRAINED:
                return step_function(state, data)
            weights = _weights_of(self.trainable_variables, state[0])
            return stepping.run(lambda: step_function(state, data), weights)

        return make(self, stepped, *args, **kwargs)

    def updated(self: Any, metrics: Any, loss: Any, *args: Any, **kwargs: Any) -> Any:
        with stepping.session.ours():
            backend.lose(loss)
        return update(self, metrics, loss, *args, **kwargs)

    trainer._make_function = made  # noqa: SLF001 - as above
    trainer._update_metrics_variables = updated  # noqa: SLF001 - as above


_PARTS_TRAINED = 4  # of the state: the optimizer's are not in an evaluation's


def _weights_of(variables: list[Any], values: list[Any]) -> Callable[[Any], dict[int, Any]]:
    """Return what tells the weights: before a step, or after it from what it returned."""

    def weights(result: Any) -> dict[int, Any]:
        current = values if result is None else result[1][0]
        pairs = zip(variables, current, strict=True)
        return {id(v): jax.device_get(value).copy() for v, value in pairs}

    return weights

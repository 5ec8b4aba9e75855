"""Optimizers of TensorFlow 1: eagerly, within `tf.function`, and in graphs with sessions."""

import functools
import importlib
import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from gradclip.instrumenting.applying import Change
from gradclip.instrumenting.rounds import Part
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.tensorflow.graphs import watched
from gradclip.instrumenting.tensorflow.looking import columns, look, readable
from gradclip.instrumenting.tensorflow.ring import SKIPPED, STEP
from gradclip.instrumenting.tensorflow.shared import Shared
from gradclip.instrumenting.tensorflow.steps import prepare, register
from gradclip.instrumenting.tensorflow.trained import Optimizers, Trained
from gradclip.instrumenting.tensorflow.unseen import say_hidden, say_v1

Step = functools.partial[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """One call of `apply_gradients`.

    Attributes:
        optimizer: The optimizer.
        trained: What it trains.
        gradients: A gradient for each variable; None where there is none.
        step: What applies them.
    """

    optimizer: Any
    trained: Trained
    gradients: list[Any]
    step: Step

    @property
    def report(self) -> Any:
        """What gradclip came to, if it clipped them; else None."""
        return None if self.trained.driver is None else self.trained.driver.report


def watch_v1(session: Session, shared: Shared) -> None:
    """Follow the optimizers of TensorFlow 1.

    Args:
        session: Where steps go.
        shared: What the hooks of Keras have in common with these.
    """
    kind, follower = tf.compat.v1.train.Optimizer, _Follower(session, shared)
    make, apply_gradients = kind.__init__, kind.apply_gradients

    @functools.wraps(make)
    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        follower.optimizers.add(self)

    @functools.wraps(apply_gradients)
    def applied(self: Any, grads_and_vars: Any, *args: Any, **kwargs: Any) -> Any:
        pairs = list(grads_and_vars)
        step = functools.partial(apply_gradients, self, pairs, *args, **kwargs)
        if follower.within or not pairs:
            return step()
        follower.within = True
        try:
            return follower.apply(self, pairs, step)
        finally:
            follower.within = False

    kind.__init__ = made
    kind.apply_gradients = tf.autograph.experimental.do_not_convert(applied)


class _Follower:
    """What the hook tells.

    Args:
        session: Where steps go.
        shared: Losses, rounds and rings.

    Attributes:
        optimizers: The optimizers that there are.
        within: Whether a call is under way.
    """

    def __init__(self, session: Session, shared: Shared) -> None:
        self.optimizers = Optimizers()
        self.within = False
        self._session = session
        self._shared = shared

    def apply(self, optimizer: Any, pairs: Sequence[tuple[Any, Any]], step: Step) -> Any:
        """Let an optimizer step, and see it, where it can be seen.

        Args:
            optimizer: The optimizer.
            pairs: Gradients and variables.
            step: What applies them.

        Returns:
            What the optimizer returns.

        Raises:
            StopTraining: It was the last step that was asked for.
        """
        in_graph = not tf.compat.v1.executing_eagerly_outside_functions()
        seen: Applied | None = None
        with self._session.ours():
            given = [(g, v) for g, v in pairs if g is not None or not in_graph]
            seen = self._applied(optimizer, given, step)
        if seen is None:
            return step()
        if tf.executing_eagerly():
            return self._eagerly(seen)
        return self._in_graph(seen) if in_graph else self._compiled(seen)

    def _applied(
        self, optimizer: Any, pairs: Sequence[tuple[Any, Any]], step: Step
    ) -> Applied | None:
        """Return what is to be seen; None where nothing can be."""
        graph = tf.compat.v1.get_default_graph()
        in_graph = not tf.compat.v1.executing_eagerly_outside_functions()
        branch = graph._get_control_flow_context()  # noqa: SLF001 - TensorFlow tells it nowhere else
        if in_graph and (hasattr(graph, "outer_graph") or branch is not None):
            say_v1(self._session, optimizer, "within a branch or a function of a graph")
            return None
        if tf.distribute.has_strategy():
            say_v1(self._session, optimizer, "under a tf.distribute.Strategy")
            return None
        if self._session.framework is None:  # Keras, which TensorFlow imports, was told of first
            self._shared.rounds.framework = "tensorflow"
        trained = self.optimizers.of(optimizer, [v for _, v in pairs])
        return Applied(
            optimizer=optimizer,
            trained=trained,
            gradients=[_tensor(g) for g, _ in pairs],
            step=self._clipping(optimizer, trained, pairs, step),
        )

    def _clipping(
        self, optimizer: Any, trained: Trained, pairs: Sequence[tuple[Any, Any]], step: Step
    ) -> Step:
        """Return what steps: the optimizer's own step, or the same behind `--clip`."""
        policy = self._session.settings.clip
        if policy is None:
            return step
        if trained.driver is None:
            kind = importlib.import_module("gradclip.tensorflow").Optimizer
            trained.driver = kind(optimizer, clip=policy, max_skipped=None)
        known = {k: v for k, v in step.keywords.items() if k in {"global_step", "name"}}
        return functools.partial(trained.driver.apply_gradients, pairs, *step.args[2:4], **known)

    def _eagerly(self, seen: Applied) -> Any:
        rounds, weights = self._shared.rounds, []
        rounds.before(seen.trained)
        with self._session.ours():
            if rounds.wants_update():
                weights = seen.trained.weights()
        result, part = seen.step(), None
        with self._session.ours():
            part = self._part(seen)
            if weights:
                update = Change(weights, seen.trained.weights()).columns()
                part = replace(part, applied=update)
        if part is not None:
            rounds.add(seen.trained, part, alone=self.optimizers.single())
        return result

    def _part(self, seen: Applied) -> Part:
        """Return what is seen of gradients that are there."""
        loss, report, rate = self._loss(), seen.report, _learning_rate(seen.optimizer)
        known = Part(
            optimizer=seen.trained.kind,
            parameters=seen.trained.parameters,
            loss=None if loss is None else float(loss),
            learning_rate=None if rate is None else float(rate),
        )
        if report is not None:
            return replace(
                known,
                before=report.parts_before,
                after=report.parts_after,
                limit=report.limit,
                skipped=bool(report.skipped),
            )
        came, limit = self._shared.origins.as_they_came(seen.gradients)
        before, after, statistics = look(came, seen.gradients)
        return replace(known, before=before, after=after, statistics=statistics, limit=limit)

    def _compiled(self, seen: Applied) -> Any:
        result = seen.step()
        with self._session.ours():
            loss, rate = self._loss(), _learning_rate(seen.optimizer)
            kind, limit, found = self._found(seen)
            trained = seen.trained
            if trained.ring is None:
                trained.ring = self._shared.compiled.ring(trained, trained, len(trained))
            trained.ring.write(kind, [_known(loss), _known(rate), limit], found)
        return result

    def _in_graph(self, seen: Applied) -> Any:
        graph, prepared = tf.compat.v1.get_default_graph(), None
        with self._session.ours():
            known = watched(graph).losses(self._shared.origins.as_they_came(seen.gradients)[0])
            pending = self._loss_list()
            prepared = prepare(known or pending, seen.gradients)
            if prepared.hides:
                say_hidden(self._session)
        with tf.control_dependencies([] if prepared is None else prepared.first):
            result = seen.step()
        with self._session.ours():
            if prepared is not None:
                register(
                    graph,
                    result,
                    prepared,
                    seen.trained,
                    rate=_learning_rate(seen.optimizer),
                    found=lambda: self._found(seen),
                )
        return result

    def _found(self, seen: Applied) -> tuple[Any, Any, list[Any]]:
        """Return, in a graph, the kind of a step, the limit, and columns of norms."""
        report = seen.report
        if report is None:
            before, limit = self._shared.origins.as_they_came(seen.gradients)
            return STEP, limit, columns(before, seen.gradients)
        limit = tf.convert_to_tensor(report.limit)
        one = limit if limit.shape.rank == 0 else math.nan
        return (
            tf.where(report.skipped, SKIPPED, STEP),
            one,
            [report.parts_before, report.parts_after],
        )

    def _loss(self) -> Any:
        """Return the sum of what was differentiated and can be read here."""
        loss = self._shared.losses.take(readable)
        return None if loss is None else tf.reduce_sum(loss)

    def _loss_list(self) -> list[Any]:
        """Return what was differentiated and can be read here."""
        found = [loss for loss in self._shared.losses.pending if readable(loss)]
        self._shared.losses.take(lambda _: False)
        return found


def _tensor(gradient: Any) -> Any:
    """Return a gradient as the optimizer takes it."""
    known = gradient is None or isinstance(gradient, tf.IndexedSlices)
    return gradient if known else tf.convert_to_tensor(gradient)


def _learning_rate(optimizer: Any) -> Any:
    """Return the learning rate; None where only a function of the program's could tell."""
    names = ("_learning_rate", "_lr")
    rate = next((found for n in names if (found := getattr(optimizer, n, None)) is not None), None)
    known = isinstance(rate, numbers.Real) or tf.is_tensor(rate) or isinstance(rate, tf.Variable)
    return rate if known else None


def _known(number: Any) -> Any:
    return math.nan if number is None else number

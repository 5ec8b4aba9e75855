"""Sees what sessions of TensorFlow 1 run, and asks each for what tells of its training steps."""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gradclip.instrumenting.rounds import Rounds
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.tensorflow.graphs import TrainOp, seen, watched
from gradclip.instrumenting.tensorflow.unseen import say_partial


def watch_sessions(session: Session, rounds: Rounds, unseen: Callable[[], None]) -> None:
    """Be told of each training step that a session runs.

    Args:
        session: Where steps go.
        rounds: What puts them together.
        unseen: What to do where one runs that nothing is known of.
    """
    kind, follower = tf.compat.v1.Session.__base__, _Follower(session, rounds, unseen)
    kind.run = _run(kind.run, follower)
    kind.make_callable = _made(kind.make_callable, follower)
    kind.partial_run_setup = _set_up(kind.partial_run_setup, follower)


class _Follower:
    """What the hooks tell.

    Args:
        session: Where steps go.
        rounds: What puts them together.
        unseen: What to do where one runs that nothing is known of.
    """

    def __init__(self, session: Session, rounds: Rounds, unseen: Callable[[], None]) -> None:
        self._session = session
        self._rounds = rounds
        self._unseen = unseen

    def found(self, graph: Any, fetches: Any) -> list[TrainOp]:
        """Return what trains among all that has to run for what is fetched."""
        with self._session.ours():
            return _found(graph, fetches, self._unseen)
        return []  # there was an error

    def is_partial(self, graph: Any, fetches: Any) -> None:
        """Say so, if what is fetched bit by bit trains."""
        if self.found(graph, fetches):
            say_partial(self._session)

    def ran(self, graph: Any, made: list[TrainOp], rows: list[Any]) -> None:
        """Be told of steps.

        Raises:
            StopTraining: One was the last one that was asked for.
        """
        alone = len(watched(graph).operations) == 1
        for each, row in zip(made, rows, strict=True):
            self._rounds.add(each.trained, each.part(row), alone=alone)


def _run(run: Callable[..., Any], follower: _Follower) -> Callable[..., Any]:
    """Tell of what `Session.run` runs."""

    @functools.wraps(run)
    def told(self: Any, fetches: Any, *args: Any, **kwargs: Any) -> Any:
        made = follower.found(self.graph, fetches)
        if not made:
            return run(self, fetches, *args, **kwargs)
        result, rows = run(self, [fetches, [each.row for each in made]], *args, **kwargs)
        follower.ran(self.graph, made, rows)
        return result

    return told


def _made(make_callable: Callable[..., Any], follower: _Follower) -> Callable[..., Any]:
    """Tell of what a callable runs that a session makes."""

    @functools.wraps(make_callable)
    def told(self: Any, fetches: Any, *args: Any, **kwargs: Any) -> Any:
        made = follower.found(self.graph, fetches)
        if not made or args or kwargs.get("feed_list") is not None:  # that one calls `run`
            return make_callable(self, fetches, *args, **kwargs)
        function = make_callable(self, [fetches, [each.row for each in made]], **kwargs)

        def call(*given: Any, **options: Any) -> Any:
            result, rows = function(*given, **options)
            follower.ran(self.graph, made, rows)
            return result

        return call

    return told


def _set_up(set_up: Callable[..., Any], follower: _Follower) -> Callable[..., Any]:
    """Tell of what `Session.partial_run` will run."""

    @functools.wraps(set_up)
    def told(self: Any, fetches: Any, *args: Any, **kwargs: Any) -> Any:
        follower.is_partial(self.graph, fetches)
        return set_up(self, fetches, *args, **kwargs)

    return told


def _found(graph: Any, fetches: Any, unseen: Callable[[], None]) -> list[TrainOp]:
    """Return what trains among all that has to run for what is fetched."""
    known = seen(graph)
    trains = graph.get_collection_ref(tf.compat.v1.GraphKeys.TRAIN_OP)
    if not trains and (known is None or not known.operations):
        return []
    flat = tf.nest.flatten(fetches, expand_composites=True)
    operations = [_operation(graph, each) for each in flat]
    made = [] if known is None else known.run_by(operations)
    if not made and any(each in operations for each in trains):
        unseen()
    return made


def _operation(graph: Any, fetched: Any) -> Any:
    """Return the operation that makes what is fetched."""
    element = graph.as_graph_element(fetched) if isinstance(fetched, str | bytes) else fetched
    return element if isinstance(element, tf.Operation) else element.op

"""Steps that are dropped for non-finite gradients, counted in variables."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from gradclip.core.skipping import check_skipped


class SkippedSteps:
    """Count skipped steps where a graph can count them too.

    The counters are made when first used, in the graph that uses them.

    Args:
        limit: The number of steps in a row after which to raise; None never raises.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit = limit

    @functools.cached_property
    def total(self) -> tf.Variable:
        """The number of all skipped steps."""
        return _counter("skipped_steps")

    @functools.cached_property
    def in_a_row(self) -> tf.Variable:
        """The number of steps skipped since one was taken."""
        return _counter("skipped_in_a_row")

    def step_now(self, step: Callable[[], Any], *, finite: bool) -> Any:
        """Take a step or skip it.

        Args:
            step: What to do with finite gradients.
            finite: Whether they are.

        Returns:
            What the step returned, or None.

        Raises:
            NonFiniteGradientError: Too many steps in a row were skipped.
        """
        if finite:
            self.in_a_row.assign(0)
            return step()
        self.total.assign_add(1)
        self.in_a_row.assign_add(1)
        check_skipped(int(self.in_a_row), self.limit)
        return None

    def step_in_graph(self, step: Callable[[], Any], finite: Any) -> tf.Operation:
        """Return the operation that takes a step or skips it.

        Args:
            step: What to do with finite gradients.
            finite: Whether they are, a bool tensor ().

        Returns:
            An operation, which fails when too many steps in a row were skipped.
        """
        total, in_a_row = self.total, self.in_a_row  # made outside the branches

        def taken() -> Any:
            with tf.compat.v1.name_scope(None):  # the optimizer names its variables itself
                done = step()
            operations = [done] if isinstance(done, tf.Operation) else []
            with tf.control_dependencies([*operations, in_a_row.assign(0)]):
                return in_a_row.read_value()

        def skipped() -> Any:
            with tf.control_dependencies([total.assign_add(1), in_a_row.assign_add(1)]):
                return in_a_row.read_value()

        with _branches_in_the_graph():
            count = tf.cond(finite, taken, skipped)
        if self.limit is None:
            return tf.group(count)
        return tf.group(tf.debugging.Assert(count < self.limit, [_message(self.limit), count]))


def number(counter: tf.Variable) -> Any:
    """Return the value of a counter, or the counter in a graph."""
    return int(counter) if tf.executing_eagerly() else counter


def _counter(name: str) -> tf.Variable:
    with tf.init_scope():  # a function may not create variables
        return tf.Variable(0, trainable=False, dtype=tf.int64, name=name)


def _message(limit: int) -> str:
    return (
        f"At most {limit} steps in a row may be skipped. The run is no longer learning: lower the "
        "learning rate or the loss scale, look at the data, or raise `max_skipped`. Skipped:"
    )


@contextmanager
def _branches_in_the_graph() -> Iterator[None]:
    """Build the branches of `tf.cond` in a TF1 graph itself, not in functions of their own.

    TF1 optimizers look up their variables by the graph that they are in.
    """
    in_functions = tf.compat.v1.control_flow_v2_enabled()
    if tf.compat.v1.executing_eagerly_outside_functions() or not in_functions:
        yield
        return
    tf.compat.v1.disable_control_flow_v2()
    try:
        yield
    finally:
        tf.compat.v1.enable_control_flow_v2()

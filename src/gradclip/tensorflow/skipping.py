"""Steps that are dropped, in graphs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf


def step_in_graph(step: Callable[[], Any], skipped: Any) -> tf.Operation:
    """Return the operation that takes a step or skips it.

    Args:
        step: What to do unless it is skipped.
        skipped: Whether it is, a bool tensor ().

    Returns:
        An operation.
    """

    def taken() -> Any:
        with tf.compat.v1.name_scope(None):  # the optimizer names its variables itself
            done = step()
        operations = [done] if isinstance(done, tf.Operation) else []
        with tf.control_dependencies(operations):
            return tf.constant(1)

    with _branches_in_the_graph():
        return tf.group(tf.cond(skipped, lambda: tf.constant(0), taken))


def assert_few(in_a_row: tf.Variable, limit: int, done: list[Any]) -> Any:
    """Return the assertion that fewer than `limit` steps in a row were skipped.

    Args:
        in_a_row: The variable that counts them.
        limit: The number that is too large.
        done: What has to run before it is read.
    """
    with tf.control_dependencies(done):
        count = in_a_row.read_value()
    return tf.debugging.Assert(count < limit, [_message(limit), count])


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

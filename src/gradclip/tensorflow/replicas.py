"""Gradients of several replicas of a model, under `tf.distribute`."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gradclip.tensorflow.branch import run_one


def sum_over_replicas(gradients: list[Any]) -> list[Any]:
    """Return the sums of all replicas' gradients, as Keras' optimizers take them.

    Args:
        gradients: This replica's gradients; None stays None.
    """
    context = tf.distribute.get_replica_context()
    present = [gradient for gradient in gradients if gradient is not None]
    if not (present and several_replicas()):
        return gradients
    summed = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, present))
    return [None if gradient is None else next(summed) for gradient in gradients]


def on_first_replica(gradients: list[Any]) -> list[Any]:
    """Return zeros on all replicas but the first, so that the sum over them is the same again."""
    if not several_replicas():
        return gradients
    first = tf.equal(tf.distribute.get_replica_context().replica_id_in_sync_group, 0)

    def chosen(gradient: Any) -> Any:
        if isinstance(gradient, tf.IndexedSlices):
            values = chosen(gradient.values)
            return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
        return tf.where(first, gradient, tf.zeros_like(gradient))

    return [None if gradient is None else chosen(gradient) for gradient in gradients]


def several_replicas() -> bool:
    """Tell whether this is one of several replicas that step together."""
    context = tf.distribute.get_replica_context()
    return context is not None and context.num_replicas_in_sync > 1


def run_one_on_replicas(
    condition: Any, then: Callable[[], object], otherwise: Callable[[], object]
) -> None:
    """Do one of two things that let replicas wait for each other, as optimizers' steps do.

    Args:
        condition: A bool tensor (), the same on all replicas.
        then: What to do where it holds.
        otherwise: What to do where it does not.
    """
    if not several_replicas() or tf.__internal__.distribute.strategy_supports_no_merge_call():
        run_one(condition, then, otherwise)
        return

    def decide(strategy: Any, condition: Any, then: Any, otherwise: Any) -> None:
        # No branch of a replica may wait for the others: the branch is taken above them.
        first = strategy.experimental_local_results(condition)[0]
        run_one(
            first,
            lambda: strategy.extended.call_for_each_replica(_call, args=(then,)),
            lambda: strategy.extended.call_for_each_replica(_call, args=(otherwise,)),
        )

    context = tf.distribute.get_replica_context()
    context.merge_call(decide, args=(condition, then, otherwise))


def _call(function: Callable[[], object]) -> None:
    function()

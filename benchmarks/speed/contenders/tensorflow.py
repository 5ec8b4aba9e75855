"""`clip_by_global_norm` of gradclip and of TensorFlow: eager, in a tf.function and under XLA."""

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

import gradclip.tensorflow
from benchmarks.speed.contenders.case import Case
from benchmarks.speed.timing import Contender

Clip = Callable[[list[Any]], Any]


def contenders(case: Case) -> list[Contender]:
    """Return who is timed; all return new tensors, and wait for them."""
    tensors = [tf.constant(g) for g in case.arrays()]
    return [
        Contender(name, _run(wrap(clip), tensors), group)
        for group, wrap in _ways(case)
        for name, clip in _clips(case.limit).items()
    ]


def _clips(limit: float) -> dict[str, Clip]:
    own = gradclip.tensorflow

    def with_statistics(tensors: list[Any]) -> Any:
        found = own.gradient_statistics(tensors)
        return *own.clip_by_global_norm(tensors, limit, use_norm=found.global_norm), found

    return {
        "tf.clip_by_global_norm": lambda g: tf.clip_by_global_norm(g, limit),
        "gradclip clip_by_global_norm": lambda g: own.clip_by_global_norm(g, limit),
        "gradclip, four statistics": with_statistics,
    }


def _ways(case: Case) -> Iterator[tuple[str, Callable[[Clip], Clip]]]:
    yield "tf.function", lambda clip: tf.function(clip, autograph=False)
    yield "eager", lambda clip: clip
    if case.compile_all:
        yield "jit_compile", lambda clip: tf.function(clip, autograph=False, jit_compile=True)


def _run(clip: Clip, tensors: list[Any]) -> Callable[[], object]:
    return lambda: clip(tensors)[1].numpy()

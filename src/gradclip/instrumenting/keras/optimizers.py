"""Hooks in Keras' optimizers."""

import functools
import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

from gradclip.instrumenting.keras.follower import Follower

Method = Callable[..., Any]


def watch_optimizers(follower: Follower) -> None:
    """Tell a follower what optimizers do.

    Args:
        follower: What is told.
    """
    base = importlib.import_module("keras.src.optimizers.base_optimizer").BaseOptimizer
    kind, scaling = keras.optimizers.Optimizer, keras.optimizers.LossScaleOptimizer
    base.__init__ = _made(base.__init__, follower)
    for owner in (base, scaling):
        owner.apply = _applied(owner.apply, follower)
        owner.scale_loss = _scaled(owner.scale_loss, follower)
    scaling.stateless_apply = _stateless(scaling.stateless_apply, follower)
    scaling._stateless_handle_non_finite_grads = _skipped(  # noqa: SLF001 - as below
        scaling._stateless_handle_non_finite_grads,  # noqa: SLF001
        follower,
    )
    scaling._stateful_handle_non_finite_grads = _skipped(  # noqa: SLF001 - as below
        scaling._stateful_handle_non_finite_grads,  # noqa: SLF001
        follower,
    )
    kind._backend_apply_gradients = _begun(kind._backend_apply_gradients, follower)  # noqa: SLF001 - Keras has no public place between
    base._clip_gradients = _clipped(base._clip_gradients, follower)  # noqa: SLF001 - as above


def as_it_is(function: Method) -> Method:
    """Let `tf.function` trace a hook as it is."""
    if keras.backend.backend() != "tensorflow":
        return function
    autograph = importlib.import_module("tensorflow").autograph.experimental
    unconverted: Method = autograph.do_not_convert(function)
    return unconverted


def _made(method: Method, follower: Follower) -> Method:
    """Tell of new optimizers."""
    known: set[type] = set()  # gradclip's own class, which few programs import, once it is seen

    @functools.wraps(method)
    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        method(self, *args, **kwargs)
        follower.made(self)
        kind = type(self)
        if kind.__module__ == "gradclip.keras.clipped" and kind not in known:
            known.add(kind)
            watch_clipped(follower, kind)

    return made


def watch_clipped(follower: Follower, clipped: Any) -> None:
    """Tell a follower what gradclip's own optimizer decides.

    Args:
        follower: What is told.
        clipped: The class.
    """
    steps = importlib.import_module("gradclip.keras.clipped_step").Step
    clipped.apply = _applied(clipped.apply, follower, decides=True)
    decide = steps._decide  # noqa: SLF001 - where its report is made

    @functools.wraps(decide)
    def decided(self: Any, *args: Any) -> Any:
        outcome = decide(self, *args)
        with follower.session.ours():
            follower.decided(self._owner.target, outcome.report)
        return outcome

    steps._decide = decided  # noqa: SLF001 - as above


def _applied(method: Method, follower: Follower, *, decides: bool = False) -> Method:
    """Tell of the beginning and the end of `apply`; `decides` where gradclip clips in it."""

    @functools.wraps(method)
    def apply(self: Any, grads: Any, *args: Any, **kwargs: Any) -> Any:
        given = grads if isinstance(grads, list | tuple) else list(grads)
        driver = follower.driver(self)
        if driver is not None:
            return driver.apply(given, *args, **kwargs)
        follower.enter(self, given, decided=decides)
        try:
            result = method(self, given, *args, **kwargs)
        except BaseException:
            follower.abandon()
            raise
        follower.leave()
        return result

    return as_it_is(apply)


def _skipped(method: Method, follower: Follower) -> Method:
    """Tell of steps that are dropped to find a scale for the loss."""

    @functools.wraps(method)
    def skipped(self: Any, *args: Any) -> Any:
        given = zip(self.variables, args[0], strict=True) if args else ()  # on JAX
        with follower.session.ours(), _scope(list(given)):
            follower.skipped(self)
        return method(self, *args)

    return as_it_is(skipped)


def _scope(values: list[tuple[Any, Any]]) -> AbstractContextManager[object]:
    """Have variables, on JAX, stand for the values that a step got."""
    scope: AbstractContextManager[object] = (
        keras.StatelessScope(values) if values else nullcontext()
    )
    return scope


def _stateless(method: Method, follower: Follower) -> Method:
    """Tell of gradients that a `LossScaleOptimizer` gets on JAX."""

    @functools.wraps(method)
    def apply(self: Any, optimizer_variables: Any, grads: Any, trainable_variables: Any) -> Any:
        given = list(grads)
        follower.enter(self, given)
        try:
            result = method(self, optimizer_variables, given, trainable_variables)
        except BaseException:
            follower.abandon()
            raise
        follower.leave()
        return result

    return apply


def _scaled(method: Method, follower: Follower) -> Method:
    """Tell of losses that are scaled."""

    @functools.wraps(method)
    def scale_loss(self: Any, loss: Any) -> Any:
        result = method(self, loss)
        follower.scaled(result, loss)
        return result

    return as_it_is(scale_loss)


def _begun(method: Method, follower: Follower) -> Method:
    """Tell of the variables that gradients belong to."""

    @functools.wraps(method)
    def begun(self: Any, grads: Any, trainable_variables: Any) -> Any:
        with follower.session.ours():
            follower.begin(self, trainable_variables)
        return method(self, grads, trainable_variables)

    return as_it_is(begun)


def _clipped(method: Method, follower: Follower) -> Method:
    """Tell of gradients before and after an optimizer clips them."""

    @functools.wraps(method)
    def clipped(self: Any, grads: Any) -> Any:
        result = method(self, grads)
        with follower.session.ours():
            follower.clipped(self, grads, result)
        return result

    return as_it_is(clipped)

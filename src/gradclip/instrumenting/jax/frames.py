"""Which compiled function is being traced, and what it is to return of what is seen in it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jax._src.core import trace_state_clean
from jax.extend.core import get_opaque_trace_state

from gradclip.instrumenting.jax.seen import Seen
from gradclip.jax.names import Named


@dataclass(slots=True, eq=False)
class Gradients:
    """Gradients that were computed, and have not been seen in a step yet."""

    named: Named
    loss: Any  # the value that was differentiated, ()


@dataclass(slots=True, eq=False)
class Unfinished:
    """A step whose updates have not been added to the weights yet."""

    place: int  # among what was seen
    moved: Named  # the updates
    look: Callable[[list[Any] | None], Seen]  # given the weights after it, if they are known
    after: list[Any] | None = None


@dataclass(slots=True)
class Frame:
    """One function that is being traced, or the program outside of all."""

    state: Any
    due: Any = None  # whether weights and updates are to be looked at, (); None for always
    seen: list[Seen] = field(default_factory=list)
    gradients: list[Gradients] = field(default_factory=list)
    unfinished: list[Unfinished] = field(default_factory=list)


class Frames(threading.local):
    """The functions that are being traced in this thread, one within another."""

    def __init__(self) -> None:
        self._open: list[Frame] = []
        self.outside = Frame(None)

    @contextmanager
    def tracing(self, finish: Callable[[Frame], None], due: Any = None) -> Iterator[Frame]:
        """Collect what is seen while a function is traced.

        Args:
            finish: What to do at the function's end.
            due: Whether weights and updates are to be looked at, (); None for always.

        Yields:
            What was collected.
        """
        frame = Frame(trace_state(), due)
        self._open.append(frame)
        try:
            yield frame
            finish(frame)
        finally:
            self._open.remove(frame)

    @property
    def are_waiting(self) -> bool:
        """Whether gradients wait for their step in a function that is being traced."""
        return any(frame.gradients for frame in self._open)

    @property
    def current(self) -> Frame | None:
        """The function whose values can be returned from here; None where no one's can."""
        if self._open:
            return self._open[-1] if self._open[-1].state == trace_state() else None
        return None


def trace_state() -> Any:
    """Return what tells one trace of JAX's from another."""
    return get_opaque_trace_state(convention="gradclip")  # type: ignore[no-untyped-call]  # JAX's


def is_traced(tree: Any) -> bool:
    """Tell whether any value of a tree is still to be computed."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree))


def is_staged(tree: Any) -> bool:
    """Tell whether a tree's values are those of a program that is written down to be run.

    Those of a derivative or of a batch are none: what is seen of them is nobody's step.

    Args:
        tree: The tree.

    Returns:
        Whether all that is still to be computed is of such a program, and something is.
    """
    return _kinds(tree) == {"DynamicJaxprTrace"}


def is_batched(tree: Any) -> bool:
    """Tell whether a tree's values are those of a batch, as of `jax.vmap`, and of nothing else."""
    return _kinds(tree) == {"BatchTrace"}


def _kinds(tree: Any) -> set[str]:
    """Return what kinds of traces a tree's values are of."""
    return {
        type(getattr(leaf, "_trace", None)).__name__
        for leaf in jax.tree.leaves(tree)
        if isinstance(leaf, jax.core.Tracer)
    }


class Flags:
    """True and False where compiled functions take them from: numbers of NumPy's take longer."""

    def __init__(self) -> None:
        self._arrays: tuple[Any, Any] | None = None

    def __call__(self, flag: bool) -> Any:  # noqa: FBT001 - it is what is asked for
        """Return a flag, (); of NumPy's where it may become a part of a program, or of several."""
        if not trace_state_clean() or jax.process_count() > 1:
            return np.bool_(flag)
        if self._arrays is None or any(array.is_deleted() for array in self._arrays):
            self._arrays = jax.device_put(np.bool_(False)), jax.device_put(np.bool_(True))  # noqa: FBT003 - values
        return self._arrays[flag]

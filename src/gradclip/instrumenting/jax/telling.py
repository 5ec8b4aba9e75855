"""What programs call while they run, where nothing that was seen can be returned."""

import threading
from collections import deque
from typing import Any

import jax
import numpy as np
from jax._src.core import get_axis_env
from numpy.typing import NDArray

from gradclip.instrumenting.jax.seen import Layout, Seen
from gradclip.instrumenting.jax.steps import Steps

_DIFFER = (
    "A step's gradients differ between the devices that make it: what the first one saw of them "
    "is recorded, and its loss. Where they are averaged before the optimizer gets them "
    "(jax.lax.pmean), the losses are as well."
)
_MOST = 8  # steps that devices may be apart: what they call comes in any order


def is_on_several_devices() -> bool:
    """Tell whether what is traced runs on several devices at once, by `pmap` or `shard_map`."""
    return bool(get_axis_env().axis_sizes)  # type: ignore[no-untyped-call]  # JAX's


def tell_within(steps: Steps, seen: Seen) -> None:
    """Have a program that is being traced tell what was seen in it.

    Args:
        steps: Who is told.
        seen: What was seen.
    """
    sizes = get_axis_env().axis_sizes  # type: ignore[no-untyped-call]  # as above
    if not sizes:
        jax.debug.callback(_Telling(steps, seen.layout), seen.packed)
        return
    place: Any = 0
    for name, size in sizes.items():
        place = place * size + jax.lax.axis_index(name)
    count = int(np.prod([*sizes.values()])) // jax.process_count()
    jax.debug.callback(_Gathering(steps, seen.layout, max(count, 1)), seen.packed, place)


class _Telling:
    """Tells of each step as it comes."""

    def __init__(self, steps: Steps, layout: Layout) -> None:
        self._steps, self._layout = steps, layout

    def __call__(self, packed: Any) -> None:
        self._steps.take_within([Seen(packed, self._layout)])


class _Gathering:
    """Tells of a step when all devices that make it have told of the same.

    Args:
        steps: Who is told.
        layout: What is told.
        num_devices: How many devices of this process tell.
    """

    def __init__(self, steps: Steps, layout: Layout, num_devices: int) -> None:
        self._steps, self._layout, self._num_devices = steps, layout, num_devices
        self._first: int | None = None  # the device whose steps these are
        self._order: deque[tuple[bytes, NDArray[Any]]] = deque()  # as it told of them
        self._losses: dict[bytes, list[Any]] = {}
        self._lock = threading.Lock()  # each device has its own thread
        steps.at_close(self._tell_rest)

    def __call__(self, packed: Any, place: Any) -> None:
        row, number = np.array(packed), self._layout.number("loss")
        with self._lock:
            self._first = int(place) if self._first is None else self._first
            key = row[..., : len(self._layout.columns) * len(self._layout.names)].tobytes()
            self._losses.setdefault(key, []).append(0.0 if number is None else row[..., number])
            if int(place) == self._first:
                self._order.append((key, row))
            while self._order and self._is_told(self._order[0][0]):
                self._tell(*self._order.popleft())

    def _is_told(self, key: bytes) -> bool:
        """Tell whether no device is waited for any more."""
        return len(self._order) > _MOST or len(self._losses[key]) >= self._num_devices

    def _tell(self, key: bytes, row: NDArray[Any]) -> None:
        """Tell of a step, whose loss is the devices' mean."""
        losses, number = self._losses.pop(key), self._layout.number("loss")
        if len(losses) < self._num_devices:
            self._steps.say(_DIFFER)
            self._losses.clear()
            self._losses.update({key: [0.0] for key, _ in self._order})
        elif number is not None:
            row[..., number] = np.mean(losses, axis=0)
        self._steps.take_within([Seen(row, self._layout)])

    def _tell_rest(self) -> None:
        """Tell of what no other device has told of."""
        with self._lock:
            while self._order:
                self._tell(*self._order.popleft())

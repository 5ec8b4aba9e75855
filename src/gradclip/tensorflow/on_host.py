"""Tensors of eager execution on the CPU as the C library takes them."""

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import record

from gradclip.kernels import cpu

_TYPES = {
    tf.float32: cpu.Type.FLOAT32,
    tf.float64: cpu.Type.FLOAT64,
    tf.float16: cpu.Type.FLOAT16,
    tf.bfloat16: cpu.Type.BFLOAT16,
}


def global_norm(tensors: list[Any]) -> float | None:
    """Return the norm of all tensors as one vector; None as in `norms`."""
    found = _measure(tensors, cpu.What.SQUARES)
    return None if found is None else found.global_norm


def rounded(wide: Any, dtype: Any) -> Any:
    """Return a float or a float64 tensor in another type, denormals included; None as in `norms`.

    Args:
        wide: What to round; a float is never refused.
        dtype: float32 or float64.
    """
    if isinstance(wide, float):
        value = np.float64(wide)
    elif _may_read([wide]):
        value = wide._numpy()  # noqa: SLF001 - as below
    else:
        return None
    with np.errstate(over="ignore"):
        return tf.constant(value.astype(dtype.as_numpy_dtype))


def norms(tensors: list[Any]) -> Any:
    """Return the float64 norms (T,), read by the C library in one pass.

    Args:
        tensors: Tensors or IndexedSlices; None has the norm 0.

    Returns:
        The norms; None if the library cannot read all tensors: in graphs, where a tape may
        record, on other devices and of other types, or if there is no library.
    """
    found = _measure(tensors, cpu.What.SQUARES)
    return None if found is None else _column(found, cpu.Column.NORMS, tensors)


def statistics(tensors: list[Any]) -> tuple[Any, Any, Any, Any] | None:
    """Return norms, largest moduli, and the numbers of non-finite entries and of zeros, (T,)."""
    found = _measure(tensors, cpu.What.EVERYTHING)
    if found is None:
        return None
    return (
        _column(found, cpu.Column.NORMS, tensors),
        _column(found, cpu.Column.LARGEST, tensors),
        _column(found, cpu.Column.NONFINITE, tensors),
        _column(found, cpu.Column.ZEROS, tensors),
    )


def is_number(value: Any) -> bool:
    """Tell whether a value is a tensor () that is known and that nobody differentiates."""
    return _may_read([value]) and value.shape.rank == 0


def _measure(tensors: list[Any], what: cpu.What) -> cpu.Found | None:
    """Return what the C library finds of those that there are; None if it cannot read them."""
    given = [t for t in tensors if t is not None]
    if not given or not _may_read(given):
        return None
    arrays = [np.asarray(t._numpy()) for t in given]  # noqa: SLF001 - `numpy()` copies
    addresses = [array.__array_interface__["data"][0] for array in arrays]
    types = bytes(_TYPES[t.dtype] for t in given)
    return cpu.Table(addresses, [a.size for a in arrays], types).measure(what, _threads())


def _column(found: cpu.Found, column: cpu.Column, tensors: list[Any]) -> Any:
    """Return a column (T,), 0 where there is None."""
    kind = np.float64 if column in {cpu.Column.NORMS, cpu.Column.LARGEST} else np.int64
    present = np.frombuffer(found.memory, kind, found.length, found.offset(column))
    if found.length == len(tensors):
        return tf.constant(present)
    places = np.zeros(len(tensors), kind)
    places[[i for i, t in enumerate(tensors) if t is not None]] = present
    return tf.constant(places)


def _may_read(tensors: list[Any]) -> bool:
    """Tell whether the library can read tensors, and nobody else has to know."""
    return (
        tf.executing_eagerly()
        and cpu.available()
        and not record.could_possibly_record()
        and all(_is_readable(t) for t in tensors)
    )


def _is_readable(tensor: Any) -> bool:
    return (
        isinstance(tensor, tf.__internal__.EagerTensor)
        and tensor.dtype in _TYPES
        and "CPU" in tensor.backing_device
    )


def _threads() -> int:
    return tf.config.threading.get_intra_op_parallelism_threads() or cpu.usual_threads()

"""Finds and opens the C library."""

import ctypes
import functools
import os
from typing import Any

from gradclip.kernels.cpu.build import LIBRARY

_ABI = 2  # as in table.c
_POINTER = ctypes.c_void_p


@functools.cache
def library() -> Any:
    """Return the C library, None where there is none."""
    return _open()[0]


@functools.cache
def _open() -> tuple[Any, str]:
    """Return the library or None, and what to say of it."""
    if os.environ.get("GRADCLIP_NO_C"):
        return None, "switched off by GRADCLIP_NO_C"
    if not LIBRARY.exists():
        return None, "not built; with a C compiler, run python -m gradclip.kernels.cpu"
    try:
        opened = ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        return None, f"cannot be opened: {error}"
    if not hasattr(opened, "gradclip_abi") or opened.gradclip_abi() != _ABI:
        return None, "of another version; run python -m gradclip.kernels.cpu"
    opened.gradclip_measure.argtypes = [
        _POINTER, _POINTER, _POINTER, ctypes.c_int64, ctypes.c_int, ctypes.c_int, _POINTER,
    ]  # fmt: skip
    opened.gradclip_scale.argtypes = [
        _POINTER, _POINTER, _POINTER, ctypes.c_int64, _POINTER, ctypes.c_int,
    ]  # fmt: skip
    return opened, {2: "baseline instructions", 4: "AVX2"}[opened.gradclip_use(0)]


def available() -> bool:
    """Tell whether there is a C library.

    Returns:
        Whether it was found and opened, and GRADCLIP_NO_C is not set.

    Example:
        >>> isinstance(available(), bool)
        True
    """
    return library() is not None


def describe() -> str:
    """Say in a line whether there is a C library, and why not.

    Returns:
        The line.

    Example:
        >>> print(describe())
        C library: ...
    """
    return f"C library: {_open()[1]}"

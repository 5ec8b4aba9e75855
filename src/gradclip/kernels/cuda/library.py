"""Finds Triton, and loads the passes at their first use."""

import functools
import importlib
import os
import shutil
import sys
from importlib.util import find_spec
from typing import Any


@functools.cache
def passes() -> Any:
    """Return the module of passes, importing Triton; only where it is `available`."""
    return importlib.import_module("gradclip.kernels.cuda.passes")


@functools.cache
def interpreted() -> bool:
    """Tell whether Triton interprets its programs, on the CPU's memory: for tests.

    Returns:
        Whether TRITON_INTERPRET is set and Triton there.

    Example:
        >>> interpreted()
        False
    """
    return os.environ.get("TRITON_INTERPRET") == "1" and available()


def available() -> bool:
    """Tell whether the passes can be loaded.

    Returns:
        Whether Triton is installed, may be imported here, and GRADCLIP_NO_TRITON is not set.

    Example:
        >>> isinstance(available(), bool)
        True
    """
    return _missing() is None


def usable(device: str) -> bool:
    """Tell whether the passes may run on a type of device.

    Args:
        device: Such as "cuda" or "cpu".

    Returns:
        Whether they are available, and the device one that Triton compiles for; the CPU's memory
        counts where programs are interpreted.

    Example:
        >>> usable("mps")
        False
    """
    return interpreted() if device == "cpu" else device == "cuda" and available()


def describe() -> str:
    """Say in a line whether there are kernels for CUDA, and why not.

    Returns:
        The line.

    Example:
        >>> print(describe())
        CUDA kernels: ...
    """
    found = _missing() or ("interpreted" if interpreted() else "by Triton")
    return f"CUDA kernels: {found}"


@functools.cache
def _missing() -> str | None:
    """Say why the passes cannot be loaded, without loading them; None if they can."""
    if os.environ.get("GRADCLIP_NO_TRITON"):
        return "switched off by GRADCLIP_NO_TRITON"
    if not _is_installed():
        return "Triton is not installed"
    if "tensorflow" in sys.modules and "triton" not in sys.modules:
        # Both register LLVM's options, and the second to come ends the process.
        return "Triton cannot be imported after TensorFlow"
    if os.environ.get("TRITON_INTERPRET") != "1" and not _has_compiler():
        return "Triton needs a C compiler"
    return None


def _has_compiler() -> bool:
    """Tell whether there is what Triton compiles its launchers with."""
    return bool(os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang"))


def _is_installed() -> bool:
    """Tell whether there is Triton, without importing it."""
    if "triton" in sys.modules:
        return sys.modules["triton"] is not None  # None bars it from being imported
    return find_spec("triton") is not None

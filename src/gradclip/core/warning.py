"""Warnings that point at the line the user wrote."""

import inspect
import warnings

# Packages that stand between a user's line and what is noticed there.
_BETWEEN = {"gradclip", "torch", "tensorflow", "keras", "jax", "optax", "contextlib", "functools"}


def warn_user(message: str) -> None:
    """Warn of the line in which a program entered gradclip, be it by way of a framework.

    Args:
        message: What is wrong, and what to do.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as said:
        ...     warnings.simplefilter("always")
        ...     warn_user("Clip once.")
        >>> str(said[0].message)
        'Clip once.'
    """
    frame = inspect.currentframe()
    while frame is not None and frame.f_back is not None and _is_between(frame.f_globals):
        frame = frame.f_back
    assert frame is not None  # CPython has frames
    known = frame.f_globals
    warnings.warn_explicit(
        message,
        UserWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=known.get("__name__"),
        registry=known.setdefault("__warningregistry__", {}),
    )


def _is_between(known: dict[str, object]) -> bool:
    """Tell whether a frame's module is one of a framework, or has no name, as compiled code."""
    return str(known.get("__name__", "gradclip")).partition(".")[0] in _BETWEEN

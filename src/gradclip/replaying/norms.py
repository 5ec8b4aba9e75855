"""The norms of a run: as it was recorded, or as a user has them."""

import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradclip.errors import ConfigurationError
from gradclip.record.reader import read_run
from gradclip.record.run import Run

WHOLE = ("all gradients",)


class Norms(NamedTuple):
    """Norms before clipping, by step and parameter."""

    names: tuple[str, ...]  # P of them; `WHOLE` where only global norms are known
    values: NDArray[np.float64]  # (S, P)


def norms_of(run_or_norms: Any, names: tuple[str, ...] | None = None) -> Norms:
    """Return the norms that an argument means.

    Args:
        run_or_norms: A run, the path of its directory, global norms (S,), or the norms of P
            parameters (S, P).
        names: The P parameters' names for an array of their norms, by default "0", "1", ...

    Returns:
        The norms, in float64.

    Raises:
        ConfigurationError: They are not numbers of such a shape, or negative; or `names` came
            with something else than norms (S, P).
        RunError: There is no run at this path.
    """
    if isinstance(run_or_norms, str | os.PathLike):
        run_or_norms = read_run(run_or_norms)
    if isinstance(run_or_norms, Run):
        run = run_or_norms
        _check_unnamed(names, "a run")
        return Norms(tuple(p.name for p in run.metadata.parameters), run.norms_before)
    try:
        values = np.asarray(run_or_norms, dtype=np.float64)
    except (TypeError, ValueError) as error:
        # Rows of different lengths have no shape to tell of.
        raise ConfigurationError(_message(type(run_or_norms).__name__)) from error
    if values.ndim not in (1, 2) or bool(np.any(values < 0)):
        shape = f"{type(run_or_norms).__name__} of shape {values.shape}"
        raise ConfigurationError(_message(shape))
    if values.ndim == 1:
        _check_unnamed(names, "global norms")
        return Norms(WHOLE, values[:, None])
    labels = tuple(map(str, range(values.shape[1]))) if names is None else tuple(names)
    if len(labels) != values.shape[1]:
        msg = f"`names` must be one for each of {values.shape[1]} columns, got {len(labels)}."
        raise ConfigurationError(msg)
    return Norms(labels, values)


def _check_unnamed(names: tuple[str, ...] | None, given: str) -> None:
    """Raise if names are given where there is nothing to name.

    Raises:
        ConfigurationError: They are.
    """
    if names is not None:
        msg = (
            f"`names` are of the columns of norms (steps, parameters), got {len(names)} with "
            f"{given}. Leave them out: a run knows its parameters' names."
        )
        raise ConfigurationError(msg)


def _message(given: str) -> str:
    return (
        "Recorded norms must be a run, its folder, or numbers >= 0 of shape (steps,) or "
        f"(steps, parameters), got {given}."
    )

"""Which of a run's parameters a report is of: optimizers have them in another order, or not all."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradclip.errors import ConfigurationError


def places_of(given: Sequence[str], known: Sequence[str]) -> list[int] | None:
    """Return the places of a report's parameters among a run's.

    Args:
        given: The names in the report.
        known: The names in the run.

    Returns:
        The places; None if the report is of all, in order, or has names that say nothing here.

    Raises:
        ConfigurationError: It is of parameters that the run does not have.

    Example:
        >>> places_of(("b", "w"), ("w", "b", "frozen"))
        [1, 0]
        >>> places_of(("0", "1"), ("w", "b"))
    """
    if tuple(given) == tuple(known):
        return None
    index = {name: place for place, name in enumerate(known)}
    unknown = [name for name in given if name not in index]
    if not unknown:
        return [index[name] for name in given]
    if len(unknown) == len(given) == len(known):
        return None
    msg = (
        f"A report must be of the {len(known)} parameters that the recorder was made with, got "
        f"one of {len(given)}, with {unknown[0]!r}. Give both the same parameters."
    )
    raise ConfigurationError(msg)


def spread(column: NDArray[Any], places: Sequence[int] | None, length: int) -> NDArray[Any]:
    """Return a column with 0 for the parameters that a report is not of.

    Args:
        column: A number for each of a report's parameters, (..., P).
        places: Their places; None for all in order.
        length: How many parameters the run has.

    Returns:
        The column, (..., length).

    Example:
        >>> spread(np.array([3.0, 4.0]), [2, 0], 3)
        array([4., 0., 3.])
    """
    if places is None:
        return column
    whole = np.zeros((*column.shape[:-1], length), column.dtype)
    whole[..., list(places)] = column
    return whole

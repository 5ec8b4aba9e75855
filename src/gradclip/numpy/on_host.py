"""NumPy arrays as the C library takes them."""

import numpy as np

from gradclip.kernels import cpu
from gradclip.numpy.measure import NDAny

_TYPES = {
    "float32": cpu.Type.FLOAT32,
    "float64": cpu.Type.FLOAT64,
    "float16": cpu.Type.FLOAT16,
    "bfloat16": cpu.Type.BFLOAT16,  # ml_dtypes'
}


def table(arrays: list[NDAny]) -> cpu.Table | None:
    """Return a table of arrays that the C library can read, None if it cannot read all of them.

    Args:
        arrays: Arrays that live as long as the table is used.

    Returns:
        The table; none for other types and byte orders, for views that leave out entries, and
        where there is no C library.
    """
    if not cpu.available() or not all(map(_readable, arrays)):
        return None
    addresses = [a.__array_interface__["data"][0] for a in arrays]
    types = bytes(_TYPES[a.dtype.name] for a in arrays)
    return cpu.Table(addresses, [a.size for a in arrays], types)


def _readable(array: NDAny) -> bool:
    """Tell whether the entries lie side by side, in a type and byte order that C has."""
    flags = array.flags
    return (
        type(array) is np.ndarray
        and array.dtype.name in _TYPES
        and array.dtype.isnative
        and flags.forc
        and flags.aligned
    )

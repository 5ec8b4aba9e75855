"""One pass over many tensors on the CPU, in C.

The library is compiled when the package is built, and left out where there is no compiler: then
everything works as before, slower.

Example:
    >>> from gradclip.kernels import cpu
    >>> cpu.describe()
    'C library: ...'
"""

from gradclip.kernels.cpu.library import available, describe
from gradclip.kernels.cpu.table import Column, Found, Table, Type, What
from gradclip.kernels.cpu.threads import usual_threads

__all__ = ["Column", "Found", "Table", "Type", "What", "available", "describe", "usual_threads"]

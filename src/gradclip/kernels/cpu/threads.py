"""How many threads may work."""

import functools
import os


@functools.cache
def usual_threads() -> int:
    """Return the number of threads where no framework says it: $OMP_NUM_THREADS, or every core.

    Returns:
        The number, at least 1.

    Example:
        >>> usual_threads() >= 1
        True
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    usable = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
    return len(usable(0))

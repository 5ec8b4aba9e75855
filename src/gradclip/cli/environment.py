"""Prepares the process: what frameworks read from it, and what it can print."""

import io
import os
import sys


def quiet_frameworks() -> None:
    """Silence the frameworks' start-up messages; what the user has set stays.

    Example:
        >>> quiet_frameworks()
        >>> "TF_CPP_MIN_LOG_LEVEL" in os.environ
        True
    """
    settings = {
        "TF_CPP_MIN_LOG_LEVEL": "3",  # TensorFlow: errors only
        # TensorFlow 2.21 announces oneDNN at every level. Without it sums are also made in the
        # same order on every processor, which a run with a seed should be.
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }
    for name, value in settings.items():
        os.environ.setdefault(name, value)


def tolerate_narrow_encodings() -> None:
    """Print a question mark for what the output's encoding lacks, instead of failing.

    Example:
        >>> tolerate_narrow_encodings()
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")

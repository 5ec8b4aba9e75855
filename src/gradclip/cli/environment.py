"""Prepares the process: what frameworks read from it, and what it can print."""

import io
import os
import shlex
import shutil
import sys
from pathlib import Path


def calm_numpy() -> None:
    """Let NumPy multiply on one thread, if it is not loaded yet; what the user has set stays.

    The demos' matrices are small: more threads gain nothing, and on a busy machine they wait for
    each other, at ten times the time.

    Example:
        >>> calm_numpy()
        >>> "OPENBLAS_NUM_THREADS" in os.environ
        True
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


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


def command() -> str:
    """Return how this command can be called again: by its name, or by where it lies."""
    here = Path(sys.argv[0])
    if shutil.which("gradclip") or here.stem != "gradclip":
        return "gradclip"
    return shlex.quote(str(here))

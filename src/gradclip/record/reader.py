"""Reads a run directory into metadata and columns, also while it is still being written."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradclip.errors import RunError
from gradclip.record.encoding import decode
from gradclip.record.parsing import Description, parse_columns, parse_metadata
from gradclip.record.schema import RUN_FILE, SCHEMA_VERSION, STEPS_FILE, Json, Metadata, Status

Column = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run's metadata and its S steps by column, over P parameters.

    Attributes:
        path: The run directory.
        status: How it ended, or `running`.
        metadata: What was known before the first step.
        summary: What was kept of the whole run; None until it ends.
        steps: The steps' numbers, (S,).
        time: Seconds since the start, (S,).
        loss: The batches' losses, (S,); NaN where there was none.
        accuracy: The batches' accuracies, (S,); NaN where there was none.
        learning_rate: The learning rates, (S,); NaN where unknown.
        global_norm_before: The global gradient norms before clipping, (S,).
        global_norm_after: The global gradient norms after clipping, (S,).
        limit: The thresholds, (S,); inf where there was none.
        scale: How far clipping scaled, (S,).
        skipped: Whether the step was dropped, (S,).
        norms_before: The parameters' gradient norms before clipping, (S, P).
        norms_after: The parameters' gradient norms after clipping, (S, P).
    """

    path: Path
    status: Status
    metadata: Metadata
    summary: dict[str, Json] | None
    steps: NDArray[np.int64]
    time: Column
    loss: Column
    accuracy: Column
    learning_rate: Column
    global_norm_before: Column
    global_norm_after: Column
    limit: Column
    scale: Column
    skipped: NDArray[np.bool_]
    norms_before: Column
    norms_after: Column


def read_run(path: str | os.PathLike[str]) -> Run:
    """Read a run directory; a torn last line of a run still being written is left out.

    Args:
        path: The directory that a `RunWriter` wrote.

    Returns:
        The run so far.

    Raises:
        RunError: There is no run, the files are not ours, or the schema is newer than this code.

    Example:
        >>> read_run("no-such-run")
        Traceback (most recent call last):
        ...
        gradclip.errors.RunError: There is no run in no-such-run: it has no run.json. ...
    """
    directory = Path(path)
    description = _read_description(directory)
    try:
        metadata = parse_metadata(description)
        return Run(
            path=directory,
            status=description["status"],
            metadata=metadata,
            summary=description["summary"],
            **parse_columns(directory / STEPS_FILE, len(metadata.parameters)),
        )
    except OSError as error:
        raise RunError(_unreadable(directory / STEPS_FILE, error)) from error
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(_foreign(directory, error)) from error


def _read_description(directory: Path) -> Description:
    """Return the contents of `run.json`.

    Raises:
        RunError: It is missing, foreign, or of a schema that we do not know yet.
    """
    path = directory / RUN_FILE
    try:
        description = decode(json.loads(path.read_bytes()))
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = (
            f"There is no run in {directory}: it has no {RUN_FILE}. "
            "Name a directory that a run was written to."
        )
        raise RunError(msg) from error
    except OSError as error:
        raise RunError(_unreadable(path, error)) from error
    except ValueError as error:
        raise RunError(_foreign(directory, f"{RUN_FILE} is not JSON")) from error
    schema = description.get("schema") if isinstance(description, dict) else None
    if not isinstance(description, dict) or not isinstance(schema, int):
        raise RunError(_foreign(directory, f"{RUN_FILE} has no schema number"))
    if schema > SCHEMA_VERSION:
        msg = (
            f"{path} has schema {schema}, this gradclip reads up to {SCHEMA_VERSION}. "
            "Update it: pip install --upgrade gradclip"
        )
        raise RunError(msg)
    return description


def _unreadable(path: Path, error: OSError) -> str:
    """Return what to say of a file that is there in name only."""
    return (
        f"{path} cannot be read: {error.strerror or error}. "
        "Check that it exists and that you may read it."
    )


def _foreign(directory: Path, reason: object) -> str:
    """Return what to say of files that no `RunWriter` has written."""
    why = f"it lacks {reason}" if isinstance(reason, KeyError) else reason
    return (
        f"{directory} holds something other than a gradclip run, or a damaged one: {why}. "
        "Name a directory that a run was written to."
    )

"""What `run.json` holds: what a run is, and how it stands."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from gradclip.errors import RunError
from gradclip.record.encoding import decode, encode
from gradclip.record.process import is_gone
from gradclip.record.schema import RUN_FILE, SCHEMA_VERSION, Json, Metadata, Parameter, Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """What `run.json` holds.

    Attributes:
        schema: The version of the directory's form.
        status: How the run ended, or `running`; `interrupted` where what wrote it is gone.
        metadata: What was known before the first step.
        summary: What was kept of the whole run; None until it ends.
    """

    schema: int
    status: Status
    metadata: Metadata
    summary: dict[str, Json] | None


def read_description(directory: Path) -> Description:
    """Return what the directory's `run.json` holds.

    Raises:
        RunError: It is missing, foreign, or of a schema that we do not know yet.
    """
    path = directory / RUN_FILE
    try:
        entries = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = (
            f"There is no run in {directory}: it has no {RUN_FILE}. "
            "Name a directory that a run was written to."
        )
        raise RunError(msg) from error
    except OSError as error:
        raise RunError(unreadable(path, error)) from error
    except ValueError as error:
        raise RunError(foreign(directory, f"{RUN_FILE} is not JSON")) from error
    schema = entries.get("schema") if isinstance(entries, dict) else None
    if not isinstance(entries, dict) or not isinstance(schema, int):
        raise RunError(foreign(directory, f"{RUN_FILE} has no schema number"))
    if schema > SCHEMA_VERSION:
        msg = (
            f"{path} has schema {schema}, this gradclip reads up to {SCHEMA_VERSION}. "
            "Update it: pip install --upgrade gradclip"
        )
        raise RunError(msg)
    try:
        return _parse(entries)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RunError(foreign(directory, error)) from error


def _parse(entries: dict[str, Any]) -> Description:
    """Return the description in the contents of `run.json`.

    Raises:
        ValueError: The status is none that we write.
    """
    if entries["status"] not in get_args(Status):
        msg = f"its status is {entries['status']!r}"
        raise ValueError(msg)
    gone = entries["status"] == "running" and is_gone(entries.get("process"))
    framework = entries["framework"]
    parameters = tuple(Parameter(p["name"], tuple(p["shape"])) for p in entries["parameters"])
    names = set(Metadata.__slots__) - {"framework", "framework_version", "parameters"}
    if "shards" not in entries:  # as in nearly all runs
        names.remove("shards")
    metadata = Metadata(
        framework=framework["name"],
        framework_version=framework["version"],
        parameters=parameters,
        # A tensor may be called "NaN": what is text stays text.
        **{name: entries[name] for name in names} | {"arguments": decode(entries["arguments"])},
    )
    return Description(
        schema=entries["schema"],
        status="interrupted" if gone else entries["status"],
        metadata=metadata,
        summary=decode(entries["summary"]),  # type: ignore[arg-type]  # an object, as we wrote it
    )


def contents(
    metadata: Metadata, status: Status, summary: Mapping[str, object] | None
) -> dict[str, object]:
    """Return the contents of `run.json`."""
    fields = {name: getattr(metadata, name) for name in Metadata.__slots__}
    framework = {"name": fields.pop("framework"), "version": fields.pop("framework_version")}
    parameters = [{"name": p.name, "shape": list(p.shape)} for p in fields.pop("parameters")]
    if metadata.shards == 1:
        del fields["shards"]
    return {
        "schema": SCHEMA_VERSION,
        "status": status,
        "framework": framework,
        **{name: encode(value) for name, value in fields.items()},
        "parameters": parameters,
        "summary": encode(summary),
    }


def unreadable(path: Path, error: OSError) -> str:
    """Return what to say of a file that is there in name only."""
    return (
        f"{path} cannot be read: {error.strerror or error}. "
        "Check that it exists and that you may read it."
    )


def foreign(directory: Path, reason: object) -> str:
    """Return what to say of files that no `RunWriter` has written."""
    why = f"it lacks {reason}" if isinstance(reason, KeyError) else reason
    return (
        f"{directory} holds something other than a gradclip run, or a damaged one: {why}. "
        "Name a directory that a run was written to."
    )

"""The run: a directory with what training did, written and read without any framework."""

from gradclip.record.reader import Run, read_run
from gradclip.record.schema import SCHEMA_VERSION, Metadata, Parameter, Status, StepRecord
from gradclip.record.writer import RunWriter

__all__ = [
    "SCHEMA_VERSION",
    "Metadata",
    "Parameter",
    "Run",
    "RunWriter",
    "Status",
    "StepRecord",
    "read_run",
]

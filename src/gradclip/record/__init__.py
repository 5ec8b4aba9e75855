"""The run: a directory with what training did, written and read without any framework."""

from gradclip.record.export.frames import frame
from gradclip.record.reader import RunReader, open_run, read_run
from gradclip.record.recorder import Recorder
from gradclip.record.run import Numbers, Run, ThinRun, Updates
from gradclip.record.schema import SCHEMA_VERSION, Metadata, Parameter, Status, StepRecord
from gradclip.record.writer import RunWriter

__all__ = [
    "SCHEMA_VERSION",
    "Metadata",
    "Numbers",
    "Parameter",
    "Recorder",
    "Run",
    "RunReader",
    "RunWriter",
    "Status",
    "StepRecord",
    "ThinRun",
    "Updates",
    "frame",
    "open_run",
    "read_run",
]

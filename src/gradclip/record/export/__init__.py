"""Runs in forms that other tools read: Parquet, CSV, JSON and data frames."""

from gradclip.record.export.export import FORMS, Form, export_run
from gradclip.record.export.frames import frame

__all__ = ["FORMS", "Form", "export_run", "frame"]

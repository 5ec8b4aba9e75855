"""Tests of what the command knows of where it runs."""

import os
import sys

import pytest

from gradclip.cli.environment import command


@pytest.mark.parametrize(
    ("called", "found", "again"),
    [
        (".venv/bin/gradclip", False, ".venv/bin/gradclip"),
        ("my folder/bin/gradclip", False, "'my folder/bin/gradclip'"),
        (".venv/bin/gradclip", True, "gradclip"),
        ("-c", False, "gradclip"),
    ],
)
def test_it_says_how_it_can_be_called_again(tmp_path, monkeypatch, called, found, again):
    if found:
        (tmp_path / "gradclip").write_text("#!/bin/sh\n")
        (tmp_path / "gradclip").chmod(0o755)
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    monkeypatch.setattr(sys, "argv", [called])
    assert command() == again

"""Sinks are reached as the documentation writes them."""

import subprocess
import sys


def test_sinks_are_there_after_importing_gradclip_alone():
    code = "import gradclip; print(gradclip.record.sinks.JsonLines.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "JsonLines\n"

"""The library is compiled where there is a compiler, and left out with a word where not."""

import os
import shutil
import subprocess
import sys

import pytest

from gradclip.kernels.cpu.build import CompilerError, build

_LOOK = "from gradclip.kernels import cpu; print(cpu.available(), cpu.describe())"


@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler")
def test_it_is_compiled_in_place(tmp_path):
    library = build(tmp_path / "kernels.so")
    assert library.stat().st_size > 0
    assert [*tmp_path.iterdir()] == [library]  # nothing is left lying about


def test_without_a_compiler_the_error_names_what_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(CompilerError, match="no-such-compiler"):
        build(tmp_path / "kernels.so")


def test_a_compiler_that_fails_is_quoted(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "false")
    with pytest.raises(CompilerError, match="false"):
        build(tmp_path / "kernels.so")
    assert [*tmp_path.iterdir()] == []


def test_it_can_be_switched_off():
    environment = {**os.environ, "GRADCLIP_NO_C": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _LOOK], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False C library: switched off by GRADCLIP_NO_C\n"

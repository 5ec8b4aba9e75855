"""The promises of the layout that no linter checks."""

import subprocess
import sys
from pathlib import Path

import pytest

import gradclip

SOURCE = Path(gradclip.__file__).parent
FRAMEWORKS = {"numpy", "torch", "jax", "tensorflow", "keras", "optax", "rich"}
ROOMS = ("numpy", "torch", "tensorflow", "jax", "keras")


def test_importing_loads_no_framework():
    code = "import sys, gradclip; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert FRAMEWORKS.isdisjoint(loaded)


@pytest.mark.parametrize("room", ROOMS)
def test_every_framework_has_the_eight_functions(room):
    pytest.importorskip(room)
    module = getattr(gradclip, room)
    of_runs = {"instrument", "open_run", "read_run", "replay", "suggest"}
    names = {n for n in gradclip.__all__ if n[0].islower()} - of_runs
    assert len(names) == 8
    assert all(callable(getattr(module, name)) for name in names)


def test_every_module_says_its_duty_in_one_line():
    for file in SOURCE.rglob("*.py"):
        first = file.read_text().splitlines()[0]
        assert first.startswith('"""'), file
        assert first.removesuffix('"""').endswith("."), file


def test_no_file_is_longer_than_four_hundred_lines():
    lengths = {file: len(file.read_text().splitlines()) for file in SOURCE.rglob("*.py")}
    assert {str(f): n for f, n in lengths.items() if n > 400} == {}


def test_a_missing_framework_is_answered_with_the_line_that_installs_it():
    code = "import sys; sys.modules['torch'] = None; import gradclip; gradclip.torch"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingFrameworkError" in run.stderr
    assert 'pip install "gradclip[torch]"' in run.stderr


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'clip_by_magic'"):
        gradclip.clip_by_magic  # noqa: B018 - the access is the test

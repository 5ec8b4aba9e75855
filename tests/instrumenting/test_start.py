"""Tests of the hook at a Python's start: it gives way to all that was there, and never fails."""

import os
import subprocess
import sys

from gradclip.instrumenting.launch import START
from tests.instrumenting.programs import TRAINING, losses, start


def python(code, *places, **environ):
    """Run code with places on PYTHONPATH, the hook's first."""
    path = os.pathsep.join(map(str, (START, *places)))
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_another_sitecustomize_has_its_turn(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.mine = __file__, __name__")
    done = python("import sys; print(sys.mine, sys.modules['sitecustomize'].__file__)", tmp_path)
    file = str(tmp_path / "sitecustomize.py")
    assert done.stdout == f"{(file, 'sitecustomize')} {file}\n"


def test_the_error_of_another_sitecustomize_is_its_own(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import nothing_of_that_name")
    alone = subprocess.run(
        [sys.executable, "-c", "print('here')"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    done = python("print('here')", tmp_path)
    assert (done.stdout, done.stderr) == (alone.stdout, alone.stderr)
    assert "Error in sitecustomize" in done.stderr


def test_it_leaves_no_place_on_the_path():
    done = python("import sys; print([p for p in sys.path if 'instrumenting' in p])")
    assert done.stdout == "[]\n"


def test_a_python_without_gradclip_goes_on(tmp_path):
    (tmp_path / "gradclip.py").write_text("raise ModuleNotFoundError(name='gradclip')")
    done = python("print('here')", tmp_path)
    assert (done.returncode, done.stdout) == (0, "here\n")
    assert done.stderr == f"gradclip run: {sys.executable} has no gradclip, nothing is recorded.\n"


def test_an_error_of_ours_is_one_line(tmp_path):
    (tmp_path / "gradclip.py").write_text("1 / 0")
    done = python("print('here')", tmp_path)
    assert (done.returncode, done.stdout) == (0, "here\n")
    assert done.stderr.startswith("gradclip run: nothing is recorded: ZeroDivisionError")
    assert len(done.stderr.splitlines()) == 1


def test_a_wrong_variable_is_one_line_and_the_framework_is_there(tmp_path):
    (tmp_path / "torch.py").write_text("value = 3")
    done = python("import torch; print(torch.value)", tmp_path, GRADCLIP_RUN_STEPS="many")
    assert (done.returncode, done.stdout) == (0, "3\n")
    assert done.stderr == (
        "gradclip run: nothing is recorded: GRADCLIP_RUN_STEPS must be a whole number, "
        "got 'many'.\n"
    )


def test_a_program_that_does_not_train_loads_next_to_nothing():
    done = python("import sys; print(sorted(n for n in sys.modules if 'gradclip' in n))")
    loaded = ["gradclip", "gradclip.errors", "gradclip.instrumenting"]
    assert done.stdout == f"{[*loaded, 'gradclip.instrumenting.imports']}\n"
    code = "import sys; print({'numpy', 'dataclasses', 'asyncio', 'wrapt'} & set(sys.modules))"
    assert python(code).stdout == "set()\n"


def test_the_command_line_rules_over_the_script(tmp_path):
    text = TRAINING.replace("instrument()", "instrument(steps=1, out='elsewhere')")
    done = start(tmp_path, f"{text}\ntrain(3)", steps=2)
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path) == {"run": [0, 1]}

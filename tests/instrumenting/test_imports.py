"""Tests of the watch for frameworks, in processes of their own: it stands on `sys.meta_path`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

# In place of what instruments torch: it says when.
ROOM = "print('installed', 'torch' in sys.modules and sys.modules['torch'].loaded)"
PRELUDE = f"""
import importlib, sys, types
from gradclip.instrumenting import imports
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.settings import Settings

room = types.ModuleType("room")
def install(session):
    {ROOM}
room.install = install
sys.modules[imports.FRAMEWORKS["torch"]] = room
watch = imports.Imports(lambda: Session(Settings()), asked=True)
sys.meta_path.insert(0, watch)
"""
TORCH = "print('loading'); loaded = True\n"


def python(folder, code, torch=TORCH):
    Path(folder, "torch.py").write_text(torch)
    return subprocess.run(
        [sys.executable, "-c", f"{PRELUDE}\n{code}"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "code",
    [
        "import torch",
        "import torch, torch; from torch import loaded",
        "__import__('torch')",
        "importlib.import_module('torch')",
        "import torch; importlib.reload(torch)",
    ],
)
def test_a_framework_is_instrumented_once_when_it_is_there(tmp_path, code):
    done = python(tmp_path, code)
    assert done.stdout.startswith("loading\ninstalled True\n"), done.stderr
    assert done.stdout.count("installed") == 1


def test_looking_for_a_framework_instruments_nothing(tmp_path):
    look = "import importlib.util; importlib.util.find_spec('torch'); print(watch.session)"
    done = python(tmp_path, f"{look}\nimport torch")
    assert done.stdout == "None\nloading\ninstalled True\n", done.stderr


def test_a_module_is_as_it_is_without(tmp_path):
    shown = (
        "import torch; print(torch.__spec__, vars(torch.__loader__), sys.modules[torch.__name__])"
    )
    watched, alone = (
        re.sub("0x[0-9a-f]+|installed True\n", "", python(tmp_path, code).stdout)
        for code in (shown, f"sys.meta_path.remove(watch); {shown}")
    )
    assert watched == alone


def test_a_framework_that_fails_may_be_tried_again(tmp_path):
    code = "try:\n    import torch\nexcept ValueError:\n    sys.again = True\nimport torch"
    torch = "import sys\nif not hasattr(sys, 'again'): raise ValueError\nloaded = True\n"
    assert python(tmp_path, code, torch).stdout == "installed True\n"


def test_what_fails_in_our_hook_is_a_note(tmp_path):
    code = "room.install = lambda session: 1 / 0\nimport torch\nprint(watch.session.notes)"
    done = python(tmp_path, code)
    assert "could not be set up: ZeroDivisionError" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_imported_already_is_instrumented_at_once(tmp_path):
    code = "sys.meta_path.remove(watch); import torch; watch.settle(); watch.settle()"
    assert python(tmp_path, code).stdout == "loading\ninstalled True\n"


def test_another_finder_that_watches_gets_on_with_it(tmp_path):
    code = "import wrapt; wrapt.register_post_import_hook(lambda m: print('theirs'), 'torch')"
    lines = python(tmp_path, f"{code}\nimport torch").stdout.splitlines()
    assert sorted(lines) == ["installed True", "loading", "theirs"]

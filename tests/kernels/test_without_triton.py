"""Where there is no Triton nothing imports it, and nothing misses it."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("torch")
_LOOK = "from gradclip.kernels import cuda; print(cuda.available(), cuda.describe())"


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_importing_the_torch_room_does_not_import_it():
    code = "import sys, gradclip.torch; print('triton' in sys.modules)"
    assert run(code) == "False\n"


def test_clipping_on_the_host_does_not_import_it():
    code = (
        "import sys, torch, gradclip; gradclip.torch.get_total_norm([torch.ones(4)]);"
        "print('triton' in sys.modules)"
    )
    assert run(code, TRITON_INTERPRET="0") == "False\n"


def test_it_can_be_switched_off():
    said = run(_LOOK, GRADCLIP_NO_TRITON="1")
    assert said == "False CUDA kernels: switched off by GRADCLIP_NO_TRITON\n"


def test_it_is_said_where_it_is_missing():
    code = f"import sys; sys.modules['triton'] = None; import torch; {_LOOK}"
    assert run(code) == "False CUDA kernels: Triton is not installed\n"


def test_it_is_not_imported_after_tensorflow(tmp_path):
    (tmp_path / "triton.py").write_text("raise SystemExit('imported')")
    code = f"import sys, types; sys.modules['tensorflow'] = types.ModuleType('x'); {_LOOK}"
    said = run(code, PYTHONPATH=str(tmp_path))
    assert said == "False CUDA kernels: Triton cannot be imported after TensorFlow\n"

"""Sinks say what installs the library that they need, and what run they need."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("sink", "library", "install"),
    [
        ("TensorBoard('logs')", "tensorboard", "tensorboard"),
        ("WandB()", "wandb", "wandb"),
        ("Trackio()", "trackio", "trackio"),
        ("MLflow()", "mlflow", "mlflow-skinny"),
    ],
)
def test_a_missing_library_is_named_with_what_installs_it(sink, library, install):
    code = (
        f"import sys; sys.modules['{library}'] = None; import gradclip.record.sinks as s; s.{sink}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"This needs {library}: pip install '{install}'" in done.stderr

import numpy as np
import pytest

import gradclip
from tests.instrumenting.harness import followed

pytestmark = pytest.mark.jax


def test_updates_are_measured_when_due_however_a_step_is_compiled(tmp_path):
    done = followed("jax_due.py", tmp_path / "run")
    assert done.code == 0, done.stderr
    run = gradclip.read_run(tmp_path / "run")
    assert list(run.steps) == list(range(72))
    assert list(run.updates.steps) == list(range(0, 72, 10))
    assert np.all(run.updates.update_norms > 0)
    assert np.all(np.diff(run.updates.weight_norms[:, 0]) < 0)

import numpy as np
import pytest

import gradclip
from tests.instrumenting.harness import followed

pytestmark = [pytest.mark.jax, pytest.mark.long]


@pytest.mark.parametrize(("script", "arguments"), [
    ("jax_optax.py", ()), ("jax_loops.py", ("scan",)), ("jax_loops.py", ("eager",)),
])  # fmt: skip
def test_it_stops_after_the_steps_that_were_asked_for(script, arguments, tmp_path):
    done = followed(script, tmp_path / "run", *arguments, GRADCLIP_RUN_STEPS="5")
    assert (done.code, done.stdout) == (0, "")
    assert "Traceback" not in done.stderr
    assert list(gradclip.read_run(tmp_path / "run").steps) == [0, 1, 2, 3, 4]


def test_a_program_that_nothing_can_stop_is_recorded_up_to_there(tmp_path):
    done = followed("jax_loops.py", tmp_path / "run", "fori", GRADCLIP_RUN_STEPS="5")
    assert done.code == 0, done.stderr
    assert len(gradclip.read_run(tmp_path / "run").steps) == 5


def test_every_third_step_is_recorded_within_a_scan_too(tmp_path):
    done = followed("jax_loops.py", tmp_path / "run", "scan", GRADCLIP_RUN_EVERY="3")
    assert done.code == 0, done.stderr
    assert list(gradclip.read_run(tmp_path / "run").steps) == [0, 3, 6, 9]


@pytest.mark.parametrize(("script", "arguments"), [
    ("jax_optax.py", ()), ("jax_loops.py", ("scan",)), ("jax_loops.py", ("eager",)),
    ("jax_flax.py", ("linen",)), ("jax_flax.py", ("nnx",)), ("jax_equinox.py", ()),
])  # fmt: skip
def test_a_policy_clips_a_program_that_knows_nothing_of_it(script, arguments, tmp_path):
    clip = "global-norm=0.05"
    done = followed(script, tmp_path / "run", *arguments, GRADCLIP_RUN_CLIP=clip)
    assert done.code == 0, done.stderr
    run = gradclip.read_run(tmp_path / "run")
    assert np.all(run.global_norm_before > 0.05)
    np.testing.assert_allclose(run.global_norm_after, 0.05, rtol=1e-5)
    np.testing.assert_allclose(run.limit, 0.05, rtol=1e-6)
    assert np.all(np.isfinite(run.loss))

"""Optimizers whose step is compiled: seen from around the call, and compiled as they are."""

import pytest

from tests.instrumenting.harness import check_followed, followed, plain

pytestmark = [pytest.mark.torch, pytest.mark.long]


@pytest.mark.parametrize("way", ["method", "function", "unwrapped", "fullgraph"])
def test_a_compiled_step_is_seen(tmp_path, way):
    run = check_followed("torch_compiled_step.py", tmp_path / "run", way, "eager")
    assert run.updates is not None
    assert (run.updates.update_norms > 0).all()
    assert (run.limit == 0.2).all()


def test_so_it_is_where_kernels_are_made(tmp_path):
    check_followed("torch_compiled_step.py", tmp_path / "run", "fullgraph", "inductor")


def test_it_is_not_clipped_and_says_so(tmp_path):
    given = {"GRADCLIP_RUN_CLIP": "global-norm=0.01"}
    done = followed("torch_compiled_step.py", tmp_path / "run", "fullgraph", "eager", **given)
    assert "--clip is not applied to steps within torch.compile" in done.stderr
    assert done.final == plain("torch_compiled_step.py", "fullgraph", "eager").final

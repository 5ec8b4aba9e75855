"""Steps that are alike, and what comes between them."""

import math

import pytest

import gradclip
from tests.instrumenting.harness import check_followed, followed

pytestmark = [pytest.mark.torch, pytest.mark.long]


def test_whatever_comes_between_steps_that_are_alike_is_seen(tmp_path):
    run = check_followed("torch_usual.py", tmp_path / "run")
    assert set(run.limit[run.limit < float("inf")]) == {0.05}
    assert run.updates.steps.tolist() == list(range(0, 96, 10))


def test_so_it_is_where_they_are_clipped(tmp_path):
    run = check_followed("torch_usual.py", tmp_path / "run", "clipped")
    limits = dict.fromkeys(range(96), 0.05) | dict.fromkeys(
        (14, 25, 54, 70, 78, 82, 85, 89), math.inf
    )
    limits |= {47: 0.01, 58: 0.01, 66: math.nan, 74: 0.03}
    assert run.limit.tolist() == pytest.approx([*limits.values()], nan_ok=True)


def test_a_policy_acts_on_each_of_them(tmp_path):
    followed("torch_usual.py", tmp_path / "run", GRADCLIP_RUN_CLIP="global-norm=0.01")
    run = gradclip.read_run(tmp_path / "run")
    assert len(run.steps) == 96
    assert run.global_norm_after.max() == pytest.approx(0.01)


def test_the_last_step_that_is_asked_for_may_be_one_of_them(tmp_path):
    done = followed("torch_usual.py", tmp_path / "run", GRADCLIP_RUN_STEPS="8")
    assert done.code == 0
    assert len(gradclip.read_run(tmp_path / "run").steps) == 8

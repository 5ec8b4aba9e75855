"""The public check of policies: what is right passes, and each wrong policy is told why."""

import math

import pytest
from tests.testing.broken import BROKEN, DecidesByFramework, Own

import gradclip
from gradclip.errors import ConfigurationError, ConformanceError
from gradclip.testing import check_policy

SOUND = {
    gradclip.GlobalNorm(1.0): None,
    gradclip.GlobalNorm(0.0): None,
    gradclip.GlobalNorm(math.inf): None,
    gradclip.Norm(0.3, axes=0): None,
    gradclip.AverageNorm(0.1): None,
    gradclip.BlockRMS(0.1): None,
    gradclip.Value(0.1): None,
    gradclip.AdaptiveGradientClipping(): None,
    gradclip.UpdateRMS(): None,
    gradclip.AutoClip(): 900,
    gradclip.AutoClip(90.0): 34,
    gradclip.ZClip(): 41,
    gradclip.AdaGC(): 955,
    gradclip.SPAM(reset_every=None): 0,  # its limit is 10 times the usual and more
    gradclip.Chain(gradclip.Value(0.5), gradclip.ZClip()): 10,  # of what Value leaves
    gradclip.Warmup(gradclip.ZClip(), 50, until=gradclip.GlobalNorm(1.0)): 41,
    gradclip.Exclude("bias", policy=gradclip.AutoClip()): 900,
    gradclip.Clip(limit=gradclip.ZScore(), granularity="layer", action="drop"): 50,
    gradclip.Clip(
        limit=gradclip.Percentile(percentile=50.0, window=100),
        granularity="tensor",
        action="clamp",
        norm=math.inf,
    ): 50,
}


@pytest.mark.parametrize(("policy", "steps"), SOUND.items(), ids=str)
def test_gradclips_policies_keep_all_promises(policy, steps):
    found = check_policy(policy, frameworks=["numpy"])
    assert found.adapts == (steps is not None)
    assert found.recovery_steps == steps


def test_a_policy_of_ones_own_that_is_right_passes():
    assert not check_policy(Own(), recovers_within=None, frameworks=["numpy"]).recovery_steps


@pytest.mark.parametrize(("policy", "message"), BROKEN.items(), ids=lambda x: type(x).__name__)
def test_a_broken_promise_is_named(policy, message):
    with pytest.raises(ConformanceError, match=message):
        check_policy(policy, frameworks=["numpy"])


@pytest.mark.torch
def test_a_policy_that_decides_otherwise_in_another_framework_is_found():
    pytest.importorskip("torch")
    with pytest.raises(ConformanceError, match=r"got \(0\.5.* in torch and \(1\.0"):
        check_policy(DecidesByFramework(), frameworks=["torch"])


@pytest.mark.parametrize(
    "room", [pytest.param(r, marks=getattr(pytest.mark, r)) for r in ("torch", "tensorflow", "jax")]
)
def test_frameworks_are_compared_with_numpy(room):
    pytest.importorskip(room)
    found = check_policy("zclip", frameworks=[room], recovers_within=None)
    assert found.frameworks == ("numpy", room)
    assert found.recovery_steps is None


def test_frameworks_that_are_loaded_are_compared_by_default(monkeypatch):
    for room in ("torch", "tensorflow", "jax"):
        monkeypatch.delitem(__import__("sys").modules, room, raising=False)
    assert check_policy("norm=1").frameworks == ("numpy",)


def test_all_broken_promises_are_listed():
    class Nothing(Own):
        def update(self, *_):
            raise ZeroDivisionError("nothing works")

    with pytest.raises(ConformanceError, match="breaks 10 of gradclip's promises:") as caught:
        check_policy(Nothing())
    assert str(caught.value).count("ZeroDivisionError while testing that") == 10


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(ConfigurationError, match="`frameworks` must be of numpy, torch"):
        check_policy("zclip", frameworks=["mxnet"])
    with pytest.raises(ConfigurationError, match="A policy must be one of"):
        check_policy(3)


def test_names_of_ones_own_are_told_apart():
    policy = gradclip.PerGroup({"lora_*": gradclip.ZClip(), "*": None})
    assert not check_policy(policy, frameworks=["numpy"]).adapts
    found = check_policy(policy, names=["base.weight", "base.lora_a"], frameworks=["numpy"])
    assert found.recovery_steps == 41

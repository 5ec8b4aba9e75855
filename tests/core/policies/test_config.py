"""Policies written down and read again."""

import json
import math

import pytest

import gradclip
from gradclip.core.policies.config import from_config, to_config
from gradclip.errors import ConfigurationError

POLICIES = [
    gradclip.Value(0.5),
    gradclip.Norm(1.0, axes=(0, 1), norm_type=math.inf),
    gradclip.AverageNorm(1.0),
    gradclip.BlockRMS(1.0),
    gradclip.GlobalNorm(gradclip.Schedule({0: 10.0, 100: 1.0})),
    gradclip.GlobalNorm(math.inf),
    gradclip.AdaptiveGradientClipping(0.02, eps=1e-2, axes=1),
    gradclip.AutoClip(5.0, window=10, warmup=2),
    gradclip.ZClip(3.0),
    gradclip.AdaGC(),
    gradclip.SPAM(reset_every=None),
    gradclip.Chain(gradclip.Value(1.0), gradclip.GlobalNorm(1.0)),
    gradclip.Warmup(gradclip.ZClip(), 10, until=gradclip.GlobalNorm(1.0)),
    gradclip.PerGroup({"bias": None, "*": gradclip.ZClip()}),
    gradclip.Exclude("head", "bias", policy=gradclip.AutoClip()),
    gradclip.Clip(
        limit=gradclip.ZScore(),
        granularity=gradclip.Grouped({"encoder": "encoder.*"}),
        action="drop",
        norm="rms",
    ),
    gradclip.Clip(limit=gradclip.Ratio(), granularity=gradclip.Units(0)),
    gradclip.Clip(limit=gradclip.RunningMean(start="mean"), granularity="layer", norm=1.0),
]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: type(p).__name__)
def test_a_policy_comes_back_from_json_as_it_was(policy):
    assert from_config(json.loads(json.dumps(to_config(policy)))) == policy


def test_what_json_cannot_hold_is_refused():
    policy = gradclip.GlobalNorm(lambda _: 1.0)
    with pytest.raises(ConfigurationError, match="Use a Schedule in place of a function"):
        to_config(policy)


@pytest.mark.parametrize("config", [{}, {"class": "Magic"}, {"class": "Units", "axes": 1}])
def test_what_is_no_policy_is_refused(config):
    with pytest.raises(ConfigurationError, match="must name one of"):
        from_config(config)


def test_arguments_of_another_version_are_refused():
    with pytest.raises(ConfigurationError, match="does not fit this version"):
        from_config({"class": "ZClip", "magic": 1.0})

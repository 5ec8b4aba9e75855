"""What policies ask of an optimizer's own state: taken out of a policy by adapters."""

import numpy as np
import pytest

import gradclip
from gradclip import SPAM, Chain, Exclude, GlobalNorm, PerGroup, UpdateRMS, Value, Warmup
from gradclip.core.policies.config import from_config, to_config
from gradclip.core.policies.resets import Reset, momentum_resets
from gradclip.core.policies.resolve import NoClipping
from gradclip.core.policies.update_clipping import split_update_clipping
from gradclip.errors import ConfigurationError

NAMES = ("body.w", "body.b", "head.w")


def test_the_clipping_of_updates_is_taken_out_of_chains():
    updates = UpdateRMS(max_rms=2.0)
    assert split_update_clipping(GlobalNorm(1.0)) == (GlobalNorm(1.0), None)
    assert split_update_clipping(updates) == (NoClipping(), updates)
    nested = Chain(Chain(Value(3.0), updates), GlobalNorm(1.0))
    assert split_update_clipping(nested) == (Chain(Value(3.0), GlobalNorm(1.0)), updates)


def test_updates_are_clipped_once():
    with pytest.raises(ConfigurationError, match="once, got 2 UpdateRMS"):
        split_update_clipping(Chain(UpdateRMS(), UpdateRMS()))


def test_who_cannot_reach_an_optimizer_refuses_to_clip_its_updates():
    clipper = gradclip.numpy.Clipper(UpdateRMS())
    with pytest.raises(ConfigurationError, match="needs an optimizer whose second moment"):
        clipper([np.ones(2)])
    hidden = Warmup(UpdateRMS(), steps=3)
    assert split_update_clipping(hidden) == (hidden, None)


@pytest.mark.parametrize("numbers", [{"max_rms": 0.0}, {"eps": 0.0}, {"max_rms": float("nan")}])
def test_numbers_are_positive(numbers):
    with pytest.raises(ConfigurationError, match="must be a finite number > 0"):
        UpdateRMS(**numbers)


def test_it_is_written_down_as_json_values():
    assert from_config(to_config(UpdateRMS(2.0))) == UpdateRMS(2.0)


def test_resets_are_asked_for_where_spam_governs():
    spam = SPAM(reset_every=7)
    assert momentum_resets(spam, NAMES) == [Reset(7, NAMES)]
    assert momentum_resets(SPAM(reset_every=None), NAMES) == []
    assert momentum_resets(Chain(GlobalNorm(1.0), spam), NAMES) == [Reset(7, NAMES)]
    assert momentum_resets(Warmup(spam, steps=3), NAMES) == [Reset(7, NAMES)]
    assert momentum_resets(Exclude("head", policy=spam), NAMES) == [Reset(7, NAMES[:2])]
    groups = PerGroup({"bias": None, "head": SPAM(reset_every=3), "*": spam})
    assert momentum_resets(groups, NAMES) == [Reset(3, NAMES[2:]), Reset(7, NAMES[:2])]

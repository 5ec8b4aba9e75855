"""Policies by name."""

import re

import numpy as np
import pytest

import gradclip
from gradclip.core.policies.resolve import (
    METHODS,
    NoClipping,
    Own,
    parse_policy,
    resolve_policy,
)
from gradclip.errors import ConfigurationError
from gradclip.numpy.functional import functions

GRADIENTS = [np.array([3.0, 4.0]), None, np.array([12.0])]
WEIGHTS = [np.array([6.0, 8.0]), np.zeros(1), np.array([1.0])]
# With a threshold of 1, what comes out of GRADIENTS.
CLIPPED = {
    "global-norm": [[3 / 13, 4 / 13], [12 / 13]],
    "norm": [[0.6, 0.8], [1.0]],
    "average-norm": [[1.2, 1.6], [1.0]],
    "block-rms": [[0.6 * 2**0.5, 0.8 * 2**0.5], [1.0]],
    "value": [[1.0, 1.0], [1.0]],
    "agc": [[3.0, 4.0], [1.0]],
}
LEARNED = ["autoclip", "zclip", "adagc", "spam"]


@pytest.mark.parametrize("name", list(CLIPPED))
def test_each_name_clips_as_its_function_does(name):
    clipped = gradclip.numpy.Clipper(f"{name}=1")(GRADIENTS, WEIGHTS)
    assert clipped[1] is None
    assert np.allclose(clipped[0], CLIPPED[name][0])
    assert np.allclose(clipped[2], CLIPPED[name][1])


def test_every_method_has_a_name():
    assert list(METHODS) == [*CLIPPED, *LEARNED]


@pytest.mark.parametrize("name", LEARNED)
def test_a_method_with_published_numbers_needs_none(name):
    assert parse_policy(name) == METHODS[name]()
    assert parse_policy(f"{name}=3") == METHODS[name](3.0)


@pytest.mark.parametrize("text", ["global-norm", "global-norm=", "l2=1", ""])
def test_an_unknown_name_is_answered_with_the_choices(text):
    with pytest.raises(ConfigurationError, match=r"must be one of global-norm=NUMBER, norm="):
        parse_policy(text)


@pytest.mark.parametrize("text", ["norm=x", "norm=-1", "norm=nan", "zclip=0", "adagc=1"])
def test_a_number_out_of_range_is_refused(text):
    with pytest.raises(ConfigurationError, match="must be"):
        parse_policy(text)


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("zclip=2.5,decay=0.9", gradclip.ZClip(2.5, decay=0.9)),
        ("zclip,decay=0.9,warmup=5", gradclip.ZClip(decay=0.9, warmup=5)),
        ("zclip,threshold=3", gradclip.ZClip(3.0)),
        ("agc=0.02, eps=1e-4", gradclip.AdaptiveGradientClipping(0.02, eps=1e-4)),
        ("agc,axes=0+1", gradclip.AdaptiveGradientClipping(axes=(0, 1))),
        ("norm=1,axes=0", gradclip.Norm(1.0, axes=0)),
        ("norm=1,axes=none", gradclip.Norm(1.0)),
        ("global-norm=1,norm-type=inf", gradclip.GlobalNorm(1.0, norm_type=np.inf)),
        ("global-norm,max_norm=1", gradclip.GlobalNorm(1.0)),
        ("spam,reset_every=none", gradclip.SPAM(reset_every=None)),
    ],
)
def test_any_parameter_can_be_given_by_its_name(text, policy):
    assert parse_policy(text) == policy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zclip,decy=0.9", "no parameter 'decy'. Did you mean 'decay'? There are: threshold, dec"),
        ("zclip=1,2", "no parameter '2'. There are: threshold, decay, warmup"),
        ("zclip,", "no parameter ''"),
        ("zclip,decay=x", "`decay` of 'zclip' must be a number, got 'x'"),
        ("zclip,decay", "must be a number, got ''"),
        ("zclip,warmup=2.5", "`warmup` of 'zclip' must be a whole number, got '2.5'"),
        ("zclip,warmup=none", "must be a whole number"),
        ("zclip=3,threshold=4", "`threshold` of 'zclip' is given twice"),
        ("norm,axes=0", "must be one of global-norm=NUMBER"),
        ("global-nrom=1", "Did you mean 'global-norm=1'?"),
        ("none=1", "must be one of"),
    ],
)
def test_a_mistake_in_a_parameter_is_named(text, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        parse_policy(text)


def test_none_means_no_clipping():
    assert parse_policy("none") is None
    assert parse_policy(None) is None
    assert resolve_policy(None) == NoClipping()
    gradient = np.array([1e30])
    assert gradclip.numpy.Clipper(None)([gradient])[0] is gradient


def test_a_policy_stays_what_it_is():
    policy = gradclip.ZClip()
    assert resolve_policy(policy) is policy


def test_a_function_of_gradients_is_a_policy():
    policy = resolve_policy(lambda gradients: [g / 2 for g in gradients])
    assert isinstance(policy, Own)
    clipper = gradclip.numpy.Clipper(policy)
    assert clipper([np.array([4.0])])[0] == 2.0
    assert (clipper.report.norm_before, clipper.report.norm_after) == (4.0, 2.0)


def test_a_function_that_loses_gradients_is_told_so():
    clipper = gradclip.numpy.Clipper(lambda gradients: (gradients, 5.0))
    with pytest.raises(ConfigurationError, match="as many gradients as it gets, got 2 for 1"):
        clipper([np.array([4.0])])


@pytest.mark.parametrize("wrong", [15, gradclip.ZClip, object(), int])
def test_what_is_no_policy_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="A policy must be one of gradclip's"):
        resolve_policy(wrong)


def test_the_numpy_room_names_the_functions():
    assert gradclip.numpy.clip_by_norm == functions.clip_by_norm

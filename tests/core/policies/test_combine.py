"""Policies made of policies."""

import math

import numpy as np
import pytest

import gradclip
from gradclip import Chain, Exclude, GlobalNorm, Norm, PerGroup, Value, Warmup
from gradclip.errors import ConfigurationError

W, B = np.array([3.0, 4.0]), np.array([6.0, 8.0])


def clip(policy, gradients=(W, B), names=("w", "b")):
    clipper = gradclip.numpy.Clipper(policy)
    return clipper(gradients, names=names), clipper.report


def test_a_chain_applies_one_after_the_other():
    (w, b), report = clip(Chain(Value(4.0), GlobalNorm(1.0)))
    norm = math.sqrt(9 + 16 + 16 + 16)
    np.testing.assert_allclose(w, np.array([3.0, 4.0]) / norm)
    np.testing.assert_allclose(b, np.array([4.0, 4.0]) / norm)
    assert (report.limit, report.norm_before) == (1.0, pytest.approx(math.sqrt(125)))


def test_a_chain_of_scalings_rounds_each_entry_once():
    rng = np.random.default_rng(0)
    gradients = [rng.normal(size=50).astype(np.float32) for _ in range(3)]
    (clipped, *_), _ = clip(Chain(Norm(0.7), GlobalNorm(0.9)), gradients, ("a", "b", "c"))
    exact = gradients[0].astype(np.float64) * (0.9 / math.sqrt(3) / np.linalg.norm(gradients[0]))
    assert np.abs(clipped / exact - 1).max() < 2.0**-23


def test_a_second_clip_to_the_same_limit_changes_nothing():
    once, _ = clip(GlobalNorm(1.0))
    twice, _ = clip(Chain(GlobalNorm(1.0), GlobalNorm(1.0)))
    assert all(np.array_equal(a, b) for a, b in zip(once, twice, strict=True))


def test_a_warm_up_counts_steps_that_were_taken():
    clipper = gradclip.numpy.Clipper(Warmup(Norm(1.0), 2, until=Norm(4.0)))
    gradients = [B, np.array([math.nan]), B, B]
    norms = [float(np.linalg.norm(clipper([g])[0])) for g in gradients]
    assert norms == pytest.approx([4.0, 0.0, 4.0, 1.0])


def test_without_another_policy_a_warm_up_only_watches():
    clipper = gradclip.numpy.Clipper(Warmup(gradclip.AutoClip(0.0), 2))
    assert clipper([W])[0] is W
    assert clipper([B])[0] is B
    assert np.linalg.norm(clipper([B])[0]) == pytest.approx(5.0)


def test_groups_have_policies_of_their_own():
    policy = PerGroup({"b": None, "head": Norm(0.5), "*": GlobalNorm(1.0)})
    gradients, names = (W, B, B), ("w", "b", "head.w")
    (w, b, head), report = clip(policy, gradients, names)
    np.testing.assert_allclose(w, [0.6, 0.8])
    assert b is B
    np.testing.assert_allclose(head, [0.3, 0.4])
    assert report.parts_after.tolist() == pytest.approx([1.0, 10.0, 0.5])


def test_a_group_without_parameters_is_no_error():
    (w, _), _ = clip(PerGroup({"nowhere": Norm(1.0), "*": GlobalNorm(1.0)}))
    assert np.linalg.norm(w) < 1


def test_what_is_excluded_is_neither_measured_nor_clipped():
    (w, b), report = clip(Exclude("b", policy=GlobalNorm(1.0)))
    np.testing.assert_allclose(w, [0.6, 0.8])
    assert b is B
    assert report.norm_before == pytest.approx(math.sqrt(125))


def test_reports_have_no_limit_for_what_is_excluded():
    adaptive = gradclip.Clip(limit=gradclip.Percentile(percentile=0), granularity="tensor")
    clipper = gradclip.numpy.Clipper(Exclude("b", policy=adaptive))
    for _ in range(2):
        clipper([W, B], names=["w", "b"])
    assert clipper.report.limit.tolist() == [5.0, math.inf]


def test_a_policy_without_parameters_left_is_no_error():
    (w, b), report = clip(Exclude("*", policy=gradclip.ZClip()))
    assert (w is W, b is B, report.scale) == (True, True, 1.0)


@pytest.mark.parametrize(
    "make",
    [
        Chain,
        lambda: Chain("norm=1"),
        lambda: Chain(Norm),
        lambda: Warmup(Norm(1.0), -1),
        lambda: Warmup(Norm(1.0), 1.5),
        lambda: Warmup(Norm(1.0), 1, until="norm"),
        lambda: PerGroup({}),
        lambda: PerGroup([Norm(1.0)]),
        lambda: PerGroup({"*": 1.0}),
        lambda: PerGroup({3: Norm(1.0)}),
        lambda: Exclude(policy=Norm(1.0)),
        lambda: Exclude("", policy=Norm(1.0)),
        lambda: Exclude("head", policy=None),
    ],
)
def test_what_cannot_be_combined_is_refused(make):
    with pytest.raises(ConfigurationError, match="got"):
        make()


def test_policies_by_group_can_be_told_apart_by_their_hash():
    first = gradclip.PerGroup({"w": gradclip.Norm(1.0), "*": None})
    again = gradclip.PerGroup({"w": gradclip.Norm(1.0), "*": None})
    other = gradclip.PerGroup({"*": None, "w": gradclip.Norm(1.0)})
    assert hash(first) == hash(again) != hash(other)
    groups = gradclip.Grouped({"all": ("w", "b")})
    assert hash(groups) == hash(gradclip.Grouped({"all": ("w", "b")}))

"""The machine: granularity x limit x action x norm, on NumPy against values by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradclip
from gradclip import Clip, Grouped, Units
from gradclip.errors import ConfigurationError

W, B, V = np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([6.0, 8.0]), np.array([1.0])
NAMES = ("a.w", "a.b", "v")


def clip(policy, gradients=(W, B, V), variables=None, names=NAMES, **kwargs):
    clipper = gradclip.numpy.Clipper(policy, **kwargs)
    return clipper(gradients, variables, names[: len(gradients)]), clipper.report


@pytest.mark.parametrize(
    ("granularity", "norms"),
    [
        ("global", [5 / math.sqrt(126), 10 / math.sqrt(126), 1 / math.sqrt(126)]),
        ("tensor", [1.0, 1.0, 1.0]),
        ("layer", [5 / math.sqrt(125), 10 / math.sqrt(125), 1.0]),
        (Grouped({"biases": "b", "rest": "*"}), [5 / math.sqrt(26), 1.0, 1 / math.sqrt(26)]),
        (Grouped(lambda name: name[-1]), [1.0, 1.0, 1.0]),
        (Grouped({"head": "head"}), [5 / math.sqrt(126), 10 / math.sqrt(126), 1 / math.sqrt(126)]),
    ],
)
def test_norms_of_tensors_that_belong_together_are_held_to_the_limit(granularity, norms):
    clipped, report = clip(Clip(limit=1.0, granularity=granularity))
    assert [np.linalg.norm(g) for g in clipped] == pytest.approx(norms)
    assert report.parts_after.tolist() == pytest.approx(norms)
    assert report.norm_after == pytest.approx(math.hypot(*norms))


@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        ("element", [[1.0, 1.0], [0.0, 0.0]]),
        ("unit", [[1.0, 1.0], [0.0, 0.0]]),  # the last axis counts the outputs
        (Units(1), [[0.6, 0.8], [0.0, 0.0]]),
        (Units((0, 1)), [[0.6, 0.8], [0.0, 0.0]]),
        (Units(-1), [[0.6, 0.8], [0.0, 0.0]]),
    ],
)
def test_parts_of_a_tensor_are_held_to_the_limit(granularity, expected):
    clipped, report = clip(Clip(limit=1.0, granularity=granularity), [W])
    np.testing.assert_allclose(clipped[0], expected)
    assert report.limit == 1.0


@pytest.mark.parametrize(
    ("norm", "scale"),
    [(1.0, 1 / 7), (2.0, 1 / 5), (math.inf, 1 / 4), (3.0, 91 ** (-1 / 3)), ("rms", 2 / 5)],
)
def test_any_norm_may_be_held_to_the_limit(norm, scale):
    clipped, _ = clip(Clip(limit=1.0, granularity="tensor", norm=norm), [W])
    np.testing.assert_allclose(clipped[0], W * scale, rtol=1e-12)


def test_an_average_over_a_group_counts_all_entries():
    clipped, _ = clip(Clip(limit=1.0, granularity="layer", norm="average"))
    np.testing.assert_allclose(clipped[0], W * 6 / math.sqrt(125))
    assert clipped[2] is V


def test_clamping_limits_the_entries_of_a_part_that_is_too_large():
    clipped, _ = clip(Clip(limit=2.0, granularity="tensor", action="clamp", norm=math.inf))
    np.testing.assert_array_equal(clipped[0], [[2.0, 2.0], [0.0, 0.0]])
    np.testing.assert_array_equal(clipped[1], [2.0, 2.0])
    np.testing.assert_array_equal(clipped[2], [1.0])


def test_dropping_gives_zeros_and_counts_the_step():
    clipper = gradclip.numpy.Clipper(Clip(limit=2.0, action="drop"))
    assert clipper([V])[0] is V
    assert clipper([B])[0].tolist() == [0.0, 0.0]
    assert clipper.report.skipped
    assert (clipper.skipped_steps, clipper.skipped_in_a_row) == (1, 1)


def test_a_dropped_step_is_learned_from_so_that_a_new_level_is_accepted():
    policy = Clip(limit=gradclip.ZScore(warmup=4), action="drop")
    clipper = gradclip.numpy.Clipper(policy, max_skipped=None)
    for norm in [0.9, 1.1] * 10 + [5.0] * 200:
        clipper([np.array([norm])])
    assert 0 < clipper.skipped_steps < 100
    assert clipper.skipped_in_a_row == 0


@pytest.mark.parametrize("granularity", ["global", "tensor", "layer", "unit", "element"])
def test_at_the_limit_nothing_changes(granularity):
    gradient = np.float32([0.1, 0.2, 0.3])
    norm = {"element": 0.3}.get(granularity, float(gradclip.global_norm([gradient])))
    (clipped,), report = clip(Clip(limit=norm, granularity=granularity), [gradient])
    np.testing.assert_array_equal(clipped, gradient)
    assert report.scale == 1.0


@given(
    values=st.lists(
        st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    ),
    limit=st.floats(0, 1e30),
    granularity=st.sampled_from(["global", "tensor", "layer", "unit", "element"]),
)
def test_no_norm_exceeds_its_limit_and_directions_stay(values, limit, granularity):
    gradients = [np.float32(v) for v in values]
    clipped, report = clip(
        Clip(limit=limit, granularity=granularity), gradients, names=[f"t{i}.w" for i in range(4)]
    )
    wide = [np.float64(g) for g in gradients]
    after = [np.float64(g) for g in clipped]
    slack = 1e-6 * limit + 1e-44
    if granularity == "global":
        assert np.sqrt(sum((a * a).sum() for a in after)) <= limit + slack
    elif granularity == "element":
        assert all((np.abs(a) <= limit + slack).all() for a in after)
    else:
        assert all(np.linalg.norm(a) <= limit + slack for a in after)
    for a, w in zip(after, wide, strict=True):
        assert (np.sign(a) * np.sign(w) >= 0).all()
    assert 0 <= report.scale <= 1


def test_a_tensor_without_gradient_has_a_place_in_reports():
    clipped, report = clip(Clip(limit=1.0, granularity="tensor"), [W, None, V])
    assert clipped[1] is None
    assert report.parts_before.tolist() == [5.0, 0.0, 1.0]


def test_a_tensor_without_gradient_teaches_its_limit_nothing():
    policy = Clip(limit=gradclip.RunningMean(warmup=2, start="mean"), granularity="tensor")
    sometimes, always = gradclip.numpy.Clipper(policy), gradclip.numpy.Clipper(policy)
    for norm in (1.0, 3.0):
        sometimes([np.array([norm]), V])
        sometimes([None, V])
        always([np.array([norm]), V])
    assert sometimes([np.array([9.0]), V])[0] == always([np.array([9.0]), V])[0] == 2.1


def test_a_limit_relative_to_parameters_needs_them():
    with pytest.raises(ConfigurationError, match="needs `variables`"):
        clip(gradclip.AdaptiveGradientClipping(), [W])


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": -1.0},
        {"limit": math.nan},
        {"limit": None},
        {"limit": True},
        {"limit": 1.0, "granularity": "galaxy"},
        {"limit": 1.0, "action": "explode"},
        {"limit": 1.0, "norm": 0},
        {"limit": 1.0, "norm": -2.0},
        {"limit": 1.0, "norm": "max"},
        {"limit": 1.0, "norm": math.nan},
    ],
)
def test_what_is_no_choice_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="must be"):
        Clip(**wrong)


def test_a_function_of_the_step_is_a_limit():
    clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(lambda step: 1.0 + step))
    assert [float(clipper([B])[0][0]) for _ in range(3)] == pytest.approx([0.6, 1.2, 1.8])


def test_a_limit_that_turns_negative_gives_nan_instead_of_reversed_gradients():
    clipped, _ = clip(gradclip.GlobalNorm(lambda _: -1.0), [B])
    assert np.isnan(clipped[0]).all()
    clipped, _ = clip(gradclip.Value(lambda _: -1.0), [B])
    assert np.isnan(clipped[0]).all()


def test_a_limit_relative_to_parameters_needs_none_where_there_are_none():
    assert gradclip.numpy.Clipper(gradclip.AdaptiveGradientClipping())([]) == []

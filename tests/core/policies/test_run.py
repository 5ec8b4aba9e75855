"""One step of a policy: what is not finite, what is counted, what is reported."""

import math

import numpy as np
import pytest

import gradclip
from gradclip import GlobalNorm, NonFiniteGradientError, Norm
from gradclip.errors import ConfigurationError, GradientTypeError

GOOD, BAD = np.array([3.0, 4.0]), np.array([math.nan, 1.0])


def clipper(policy=None, **kwargs):
    return gradclip.numpy.Clipper(policy or GlobalNorm(1.0), **kwargs)


def test_a_step_that_is_not_finite_is_skipped_and_counted():
    clip = clipper()
    clipped = clip([GOOD, BAD])
    assert [g.tolist() for g in clipped] == [[0.0, 0.0], [0.0, 0.0]]
    assert clip.report.skipped
    assert math.isnan(clip.report.norm_before)
    assert (clip.report.norm_after, clip.report.scale) == (0.0, 0.0)
    assert clip.report.parts_after.tolist() == [0.0, 0.0]
    clip([GOOD, GOOD])
    assert (clip.skipped_steps, clip.skipped_in_a_row) == (1, 0)


def test_too_many_skipped_steps_in_a_row_are_an_error():
    clip = clipper(max_skipped=2)
    clip([BAD])
    with pytest.raises(NonFiniteGradientError, match="At most 2 steps in a row"):
        clip([BAD])


def test_raising_names_the_gradients():
    with pytest.raises(NonFiniteGradientError, match="NaN or inf in b"):
        clipper(nonfinite="raise")([GOOD, BAD], names=["a", "b"])


def test_zeros_take_the_place_of_the_bad_gradient_alone():
    clip = clipper(Norm(1.0), nonfinite="zero")
    good, bad = clip([GOOD, BAD])
    assert good.tolist() == pytest.approx([0.6, 0.8])
    assert bad.tolist() == [0.0, 0.0]
    assert not clip.report.skipped


def test_propagation_passes_nan_on():
    good, bad = clipper(nonfinite="propagate")([GOOD, BAD])
    assert np.isnan([good, bad]).all()


@pytest.mark.parametrize("nonfinite", ["skip", "zero", "propagate"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "policy",
    [
        gradclip.AutoClip(),
        gradclip.ZClip(warmup=5),
        gradclip.Clip(limit=gradclip.RunningMean(warmup=5), granularity="tensor"),
        gradclip.SPAM(warmup=5),
        gradclip.Clip(limit=gradclip.ZScore(warmup=5), granularity="layer"),
        gradclip.Clip(limit=gradclip.Percentile(), granularity="unit"),
    ],
    ids=lambda p: type(p).__name__,
)
def test_what_is_not_finite_never_enters_a_state(policy, value, nonfinite):
    rng = np.random.default_rng(0)
    steps = [[rng.normal(size=3)] for _ in range(20)]
    with_bad, without = (clipper(policy, nonfinite=nonfinite) for _ in range(2))
    for i, step in enumerate(steps):
        if i in {0, 7, 13}:
            with_bad([np.array([1.0, value, 2.0])])
        assert np.array_equal(with_bad(step)[0], without(step)[0])
    assert _same(with_bad.state_dict()["policy"][1], without.state_dict()["policy"][1])


def _same(x, y):
    if isinstance(x, list):
        return all(_same(a, b) for a, b in zip(x, y, strict=True))
    return np.array_equal(x, y)


def test_a_clipper_that_was_saved_goes_on_to_the_bit():
    rng = np.random.default_rng(1)
    steps = [[rng.normal(size=4), rng.normal(size=2)] for _ in range(40)]
    for policy in (gradclip.ZClip(), gradclip.AdaGC(warmup=3), gradclip.SPAM(warmup=3)):
        whole, first, second = (clipper(policy) for _ in range(3))
        for step in steps[:20]:
            whole(step), first(step)
        second.load_state_dict(first.state_dict())
        for step in steps[20:]:
            pairs = zip(whole(step), second(step), strict=True)
            assert all(np.array_equal(a, b) for a, b in pairs)


def test_no_gradients_are_no_error():
    clip = clipper()
    assert clip([]) == []
    assert (clip.report.norm_before, clip.report.scale) == (0.0, 1.0)


def test_gradients_that_are_all_none_are_no_error():
    clip = clipper(gradclip.ZClip())
    assert clip([None, None]) == [None, None]
    assert clip.report.parts_before.tolist() == [0.0, 0.0]


def test_a_report_prints_what_happened():
    clip = clipper()
    clip([GOOD, None], names=["weight", "b"])
    assert str(clip.report).splitlines() == [
        "norm 5 -> 1, limit 1, scale 0.2",
        "  weight  5 -> 1",
        "  b       0 -> 0",
    ]
    assert clip.report.parts() == {"weight": (5.0, 1.0), "b": (0.0, 0.0)}


def test_a_long_report_is_cut():
    clip = clipper()
    clip([GOOD] * 20)
    assert str(clip.report).splitlines()[-1] == "  and 8 more"


def test_wrong_gradients_are_refused_before_anything_is_learned():
    clip = clipper()
    with pytest.raises(GradientTypeError, match="floating or complex"):
        clip([np.array([1, 2])])
    with pytest.raises(ConfigurationError, match="one for each of 1 gradients, got 2"):
        clip([GOOD], names=["a", "b"])
    with pytest.raises(ConfigurationError, match="`variables` must be one for each"):
        clip([GOOD], [GOOD, GOOD])
    with pytest.raises(GradientTypeError, match="Put a single tensor into a list"):
        clip(GOOD)
    with pytest.raises(ConfigurationError, match="`nonfinite` must be one of"):
        clipper(nonfinite="ignore")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64])
def test_types_stay(dtype):
    clipped = clipper()([np.array([3.0, 4.0], dtype)])
    assert clipped[0].dtype == dtype
    np.testing.assert_allclose(clipped[0], np.array([0.6, 0.8], dtype), rtol=1e-3)


def test_a_function_that_makes_something_of_zeros_is_no_error():
    clipper = gradclip.numpy.Clipper(lambda gradients: [g + 2.0 for g in gradients])
    (got,) = clipper([np.zeros(1)])
    assert got == 2.0
    assert (clipper.report.norm_before, clipper.report.norm_after) == (0.0, 2.0)

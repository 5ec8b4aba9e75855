"""The clipper for loops of one's own, on whatever backend Keras was imported with."""

import math

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import gradclip  # noqa: E402 - after Keras
import gradclip.numpy  # noqa: E402
from gradclip.errors import NonFiniteGradientError  # noqa: E402
from gradclip.keras import Clipper  # noqa: E402

pytestmark = pytest.mark.keras
POLICIES = [
    gradclip.GlobalNorm(1.0),
    gradclip.Norm(1.0),
    gradclip.Value(0.5),
    gradclip.AdaptiveGradientClipping(0.1),
    gradclip.AutoClip(percentile=50.0, window=4),
    gradclip.ZClip(warmup=3),
    gradclip.AdaGC(warmup=2),
    gradclip.SPAM(threshold=2.0, warmup=2, reset_every=6),
    gradclip.Clip(limit=gradclip.ZScore(warmup=2), granularity="layer"),
]
SHAPES = [(3, 4), (4,)]


def steps():
    """Return eight steps of gradients with a spike, a zero and an infinite one."""
    rng = np.random.default_rng(0)
    scales = [1.0, 0.8, 1.2, 50.0, 1.1, 0.0, math.inf, 6.0]
    return [[(s * rng.normal(size=shape)).astype("float32") for shape in SHAPES] for s in scales]


def weights():
    return [np.full(shape, 2.0, "float32") for shape in SHAPES]


def run(clipper, gradients):
    variables = [
        keras.Variable(w, name=n) for w, n in zip(weights(), ("kernel", "bias"), strict=True)
    ]
    return [
        [
            np.array(keras.ops.convert_to_numpy(t))
            for t in clipper(list(map(keras.ops.array, each)), variables)
        ]
        for each in gradients
    ]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
def test_every_policy_decides_as_on_numpy(policy):
    ours, reference = Clipper(policy), gradclip.numpy.Clipper(policy)
    with np.errstate(all="ignore"):
        gradients = steps()
    for actual, given in zip(run(ours, gradients), gradients, strict=True):
        wanted = reference(given, weights(), ("kernel", "bias"))
        assert all(np.allclose(a, b, rtol=1e-6) for a, b in zip(actual, wanted, strict=True))
    assert ours.skipped_steps == reference.skipped_steps == 1
    assert np.allclose(ours.report.parts_after, reference.report.parts_after, rtol=1e-6)
    assert ours.report.names == ("kernel", "bias")


@pytest.mark.parametrize("policy", ["autoclip", "spam"])
def test_a_state_goes_on_as_if_nothing_had_happened(policy):
    with np.errstate(all="ignore"):
        gradients = steps()
    first, later, running = Clipper(policy), Clipper(policy), Clipper(policy)
    run(first, gradients[:7])
    run(running, gradients[:2])
    for each in (later, running):
        each.load_state_dict(first.state_dict())
    wanted = run(first, gradients[7:])
    for each in (later, running):
        pairs = zip(run(each, gradients[7:])[0], wanted[0], strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)
        assert each.state_dict() == first.state_dict()


def test_too_many_bad_steps_stop_the_loop():
    clipper = Clipper("norm=1", max_skipped=2)
    clipped = clipper([keras.ops.array([math.nan])])
    assert keras.ops.convert_to_numpy(clipped[0]).tolist() == [0.0]
    with pytest.raises(NonFiniteGradientError, match="At most 2 steps in a row"):
        clipper([keras.ops.array([math.nan])])


def test_there_is_nothing_before_the_first_step():
    clipper = Clipper("zclip")
    assert clipper.report is None
    assert (clipper.skipped_steps, clipper.skipped_in_a_row) == (0, 0)
    assert clipper.state_dict() == {"policy": None, "skipped": [0, 0]}

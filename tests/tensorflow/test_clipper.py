"""Policies on tensors: eager, in functions, compiled by XLA, and saved."""

import math

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tests.tensorflow.modes import every_mode  # noqa: E402

import gradclip  # noqa: E402 - after TensorFlow
import gradclip.numpy  # noqa: E402
from gradclip.errors import ConfigurationError, NonFiniteGradientError  # noqa: E402
from gradclip.tensorflow import Clipper  # noqa: E402

pytestmark = pytest.mark.tensorflow

NAMES = ("layer/kernel", "layer/bias", "head/kernel")
POLICIES = {
    "none": None,
    "global-norm": gradclip.GlobalNorm(1.0),
    "max-norm": gradclip.GlobalNorm(1.0, norm_type=math.inf),
    "norm": gradclip.Norm(1.0),
    "axes": gradclip.Norm(1.0, axes=(0,)),
    "average": gradclip.AverageNorm(0.1),
    "rms": gradclip.BlockRMS(0.5),
    "value": gradclip.Value(0.5),
    "schedule": gradclip.GlobalNorm(gradclip.Schedule({0: 3.0, 5: 0.5})),
    "agc": gradclip.AdaptiveGradientClipping(0.1),
    "autoclip": gradclip.AutoClip(percentile=50.0, window=4),
    "zclip": gradclip.ZClip(warmup=3),
    "adagc": gradclip.AdaGC(warmup=2),
    "spam": gradclip.SPAM(threshold=2.0, warmup=2, reset_every=6),
    "layer": gradclip.Clip(limit=gradclip.ZScore(warmup=2), granularity="layer"),
    "drop": gradclip.Clip(limit=3.0, action="drop"),
    "clamp": gradclip.Clip(limit=0.5, granularity="tensor", norm=math.inf, action="clamp"),
    "chain": gradclip.Chain(gradclip.Value(2.0), gradclip.ZClip(warmup=2)),
    "warmup": gradclip.Warmup(gradclip.ZClip(warmup=3), 3, until=gradclip.Norm(1.0)),
    "groups": gradclip.PerGroup({"bias": None, "*": gradclip.GlobalNorm(1.0)}),
    "exclude": gradclip.Exclude("head", policy=gradclip.BlockRMS(0.5)),
}
every_policy = pytest.mark.parametrize("policy", list(POLICIES.values()), ids=list(POLICIES))


def steps():
    """Return ten steps of gradients with a spike, a zero and an infinite one."""
    rng = np.random.default_rng(0)
    scales = [1.0, 0.8, 1.2, 0.9, 50.0, 1.1, 0.0, math.inf, 0.7, 6.0]
    shapes = [(3, 4), (4,), (4, 2)]
    return [[(s * rng.normal(size=shape)).astype("float32") for shape in shapes] for s in scales]


def weights():
    return [np.full(shape, 2.0, "float32") for shape in [(3, 4), (4,), (4, 2)]]


def run(clipper, compiled, gradients):
    variables = [tf.constant(w) for w in weights()]
    step = compiled(lambda *ts: clipper(list(ts), variables, NAMES))
    return [[t.numpy() for t in step(*map(tf.constant, each))] for each in gradients]


@every_mode
@every_policy
def test_every_policy_decides_as_on_numpy(mode, policy):
    ours, reference = Clipper(policy), gradclip.numpy.Clipper(policy)
    with np.errstate(all="ignore"):
        gradients = steps()
    for actual, given in zip(run(ours, mode, gradients), gradients, strict=True):
        wanted = reference(given, weights(), NAMES)
        assert all(np.allclose(a, b, rtol=1e-6) for a, b in zip(actual, wanted, strict=True))
    assert ours.skipped_steps == reference.skipped_steps
    for name in ("norm_before", "norm_after", "limit", "parts_before", "parts_after"):
        first, second = getattr(ours.report, name), getattr(reference.report, name)
        assert np.allclose(first, second, rtol=1e-6, equal_nan=True), name


@every_mode
def test_what_is_not_clipped_keeps_its_bits(mode):
    gradients = [np.array([1e-40, -0.0, 3.0], np.float32), np.array([1e-45], np.float32)]
    for policy in (gradclip.GlobalNorm(5.0), gradclip.Norm(5.0)):
        clipper = Clipper(policy)
        clipped = mode(lambda *ts, clip=clipper: clip(ts))(*map(tf.constant, gradients))
        assert [t.numpy().tobytes() for t in clipped] == [t.tobytes() for t in gradients]


def test_none_and_sparse_gradients_keep_their_places():
    slices = tf.IndexedSlices(tf.constant([[3.0], [3.0]]), tf.constant([1, 1]), tf.constant([4, 1]))
    clipped = Clipper(gradclip.GlobalNorm(5.0))([slices, None, tf.constant([8.0])])
    assert clipped[1] is None
    assert clipped[0].indices.numpy().tolist() == [1, 1]
    assert np.allclose(clipped[0].values, 1.5)  # 6 and 8 make 10
    assert np.allclose(clipped[2], 4.0)


def test_a_report_is_traced_inside_a_function_and_read_outside():
    clipper = Clipper(gradclip.GlobalNorm(1.0))

    @tf.function
    def step(gradient):
        clipper([gradient], names=["weight"])
        return clipper.report.norm_before, clipper.report.parts_after

    assert clipper.report is None
    norm, parts = step(tf.constant([3.0, 4.0]))
    assert (float(norm), parts.numpy().tolist()) == (5.0, [1.0])
    step(tf.constant([6.0, 8.0]))
    assert str(clipper.report).splitlines() == [
        "norm 10 -> 1, limit 1, scale 0.1",
        "  weight  10 -> 1",
    ]
    assert clipper.report.parts() == {"weight": (10.0, 1.0)}


def test_a_function_is_not_traced_again_once_there_are_variables():
    clipper, traces = Clipper("zclip"), []

    @tf.function
    def step(gradient):
        traces.append(gradient)
        return clipper([gradient])

    for norm in (1.0, 2.0, math.nan):
        step(tf.constant([norm]))
    assert len(traces) == 2  # TensorFlow traces the call that makes variables twice


@every_mode
@pytest.mark.parametrize(
    "policy",
    ["zclip", *(pytest.param(p, marks=pytest.mark.long) for p in ("autoclip", "adagc", "spam"))],
)
def test_a_checkpoint_goes_on_as_if_nothing_had_happened(mode, policy, tmp_path):
    gradients = steps()
    first = Clipper(policy)
    run(first, mode, gradients[:8])
    path = tf.train.Checkpoint(clipper=first).write(str(tmp_path / "clipper"))
    later, loaded, copied = Clipper(policy), Clipper(policy), Clipper(policy)
    status = tf.train.Checkpoint(clipper=later).read(path)  # before there are variables
    run(loaded, mode, gradients[:1])
    tf.train.Checkpoint(clipper=loaded).read(path).assert_consumed()
    copied.load_state_dict(first.state_dict())
    wanted = run(first, mode, gradients[8:])
    for each in (later, loaded, copied):
        for a, b in zip(run(each, mode, gradients[8:]), wanted, strict=True):
            assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
        assert each.skipped_steps == first.skipped_steps
        assert each.state_dict() == first.state_dict()
    status.assert_consumed()


def test_a_state_of_another_policy_is_refused():
    clipper = Clipper("zclip")
    clipper([tf.constant([1.0])])
    other = Clipper(gradclip.AutoClip(window=3))
    other([tf.constant([1.0])])
    chain = Clipper(gradclip.Chain(gradclip.ZClip(), gradclip.ZClip()))
    chain([tf.constant([1.0])])
    with pytest.raises(ConfigurationError, match="of the same policy"):
        clipper.load_state_dict(chain.state_dict())


def test_too_many_bad_steps_stop_an_eager_loop():
    clipper = Clipper("norm=1", max_skipped=2)
    assert clipper([tf.constant([math.nan])])[0].numpy().tolist() == [0.0]
    with pytest.raises(NonFiniteGradientError, match="At most 2 steps in a row"):
        clipper([tf.constant([math.nan])])


def test_too_many_bad_steps_stop_a_function():
    clipper = Clipper("norm=1", max_skipped=2)
    step = tf.function(lambda t: clipper([t]))
    step(tf.constant([math.nan]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="At most 2 steps in a row"):
        step(tf.constant([math.nan]))


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
def test_bad_gradients_are_named(wrap):
    clipper = Clipper(None, nonfinite="raise")
    step = wrap(lambda t: clipper([t], names=["head"]))
    errors = (NonFiniteGradientError, tf.errors.InvalidArgumentError)
    with pytest.raises(errors, match="NaN or inf in head"):
        step(tf.constant([math.nan]))


@every_mode
def test_zero_and_propagate_are_answers_too(mode):
    given = tf.constant([math.nan]), tf.constant([3.0])
    zeroing, passing = (Clipper("norm=1", nonfinite=answer) for answer in ("zero", "propagate"))
    zero = mode(lambda *ts: zeroing(ts))(*given)
    assert [t.numpy().tolist() for t in zero] == [[0.0], [1.0]]
    through = mode(lambda *ts: passing(ts))(*given)
    assert [t.numpy().tolist() for t in through] == [pytest.approx([math.nan], nan_ok=True), [1.0]]


def test_a_session_clips_and_remembers():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        gradient = tf.compat.v1.placeholder(tf.float32, [2])
        clipper = Clipper(gradclip.AutoClip(percentile=0.0))
        (clipped,) = clipper([gradient])
        session.run(tf.compat.v1.global_variables_initializer())
        norms = [session.run(clipped, {gradient: [0.0, n]})[1] for n in (2.0, 4.0, 1.0, 4.0)]
        assert np.allclose(norms, [2.0, 2.0, 1.0, 1.0])
        session.run(clipped, {gradient: [math.nan, 0.0]})
        assert session.run(clipper.skipped_steps) == 1


def test_names_and_variables_come_one_for_each_gradient():
    with pytest.raises(ConfigurationError, match="`names` must be one for each of 1 gradients"):
        Clipper(None)([tf.constant([1.0])], names=["a", "b"])

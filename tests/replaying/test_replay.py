"""Policies on recorded norms."""

import math

import numpy as np
import pytest

import gradclip
from gradclip.errors import ConfigurationError, RunError
from gradclip.record import Metadata, Parameter, RunWriter, StepRecord

SPIKY = [1.0, 1.2, 0.8, 1.1] * 10 + [50.0, 1.0]


def test_a_replay_says_what_each_step_would_have_become():
    replay = gradclip.replay([3.0, 8.0, 0.0], gradclip.GlobalNorm(4.0))
    assert replay.scale.tolist() == [1.0, 0.5, 1.0]
    assert replay.norm_before.tolist() == [3.0, 8.0, 0.0]
    assert replay.norm_after.tolist() == [3.0, 4.0, 0.0]
    assert replay.limit.tolist() == [4.0, 4.0, 4.0]
    assert replay.clipped.tolist() == [False, True, False]


def test_norms_that_are_not_finite_are_skipped_and_teach_nothing():
    with_bad = gradclip.replay([*SPIKY[:30], math.nan, math.inf, *SPIKY[30:]], "zclip")
    without = gradclip.replay(SPIKY, "zclip")
    assert with_bad.skipped.sum() == 2
    assert np.array_equal(np.delete(with_bad.scale, [30, 31]), without.scale)
    assert not without.clipped[:40].any()
    assert without.clipped[40]


def test_each_parameter_is_clipped_by_its_own_norm():
    replay = gradclip.replay([[3.0, 0.5], [0.5, 4.0]], gradclip.Norm(1.0), names=("w", "b"))
    assert replay.names == ("w", "b")
    assert replay.parts_after.tolist() == [[1.0, 0.5], [0.5, 1.0]]
    assert replay.limit.tolist() == [1.0, 1.0]


def test_layers_are_found_by_the_names():
    policy = gradclip.Clip(limit=1.0, granularity="layer")
    names = ("a.weight", "a.bias", "b.weight")
    replay = gradclip.replay([[3.0, 4.0, 0.5]], policy, names=names)
    assert replay.parts_after[0].tolist() == pytest.approx([0.6, 0.8, 0.5])


def test_the_replay_agrees_with_the_clipper_on_real_gradients():
    rng = np.random.default_rng(0)
    steps = [[rng.normal(size=(4, 3)), rng.normal(size=3)] for _ in range(200)]
    clipper = gradclip.numpy.Clipper(gradclip.AdaGC())
    after = []
    for gradients in steps:
        clipper(gradients)
        after.append(clipper.report.norm_after)
    norms = [[np.linalg.norm(g) for g in gradients] for gradients in steps]
    replay = gradclip.replay(norms, gradclip.AdaGC())
    np.testing.assert_allclose(replay.norm_after, after, rtol=1e-6)


@pytest.mark.parametrize(
    "policy",
    [
        gradclip.Value(1.0),
        gradclip.Norm(1.0, axes=0),
        gradclip.BlockRMS(1.0),
        gradclip.AdaptiveGradientClipping(),
        gradclip.SPAM(),
        gradclip.GlobalNorm(1.0, norm_type=1.0),
        gradclip.Clip(limit=1.0, action="clamp"),
        gradclip.Chain(gradclip.GlobalNorm(1.0), gradclip.Value(1.0)),
        lambda gradients: gradients,
    ],
)
def test_what_was_not_recorded_is_asked_for_in_vain(policy):
    with pytest.raises(ConfigurationError, match="recorded 2-norms only"):
        gradclip.replay([[1.0, 2.0]], policy)


def test_global_norms_do_not_tell_the_parameters():
    with pytest.raises(ConfigurationError, match="steps, parameters"):
        gradclip.replay([1.0, 2.0], gradclip.Norm(1.0))


@pytest.mark.parametrize("norms", [[-1.0], [[[1.0]]], "1.0, 2.0", ["a"], object()])
def test_what_holds_no_norms_is_refused(norms):
    with pytest.raises((ConfigurationError, RunError)):
        gradclip.replay(norms, "zclip")


@pytest.mark.parametrize("of", [lambda n: gradclip.replay(n, "zclip"), gradclip.suggest])
def test_rows_of_different_lengths_are_refused_by_the_rule(of):
    with pytest.raises(ConfigurationError, match=r"Recorded norms must be .* got list\.$"):
        of([[1.0, 2.0], [3.0]])


@pytest.mark.parametrize(
    ("policy", "needs"),
    [
        (gradclip.SPAM(), "needs norms of each entry: SPAM"),
        (gradclip.AdaptiveGradientClipping(), "needs norms of units: Adaptive"),
        (gradclip.Norm(1.0), r"needs norms of each parameter \(steps, parameters\): Norm"),
    ],
)
def test_what_is_missing_is_said_in_words(policy, needs):
    with pytest.raises(ConfigurationError, match=needs):
        gradclip.replay([1.0, 2.0], policy)


def test_no_steps_are_no_error():
    assert str(gradclip.replay([], "zclip")) == "0 steps: 0 clipped, 0 skipped"


def test_a_run_directory_can_be_replayed(tmp_path):
    _write(tmp_path / "run", SPIKY)
    replay = gradclip.replay(tmp_path / "run", "zclip")
    assert replay.names == ("w", "b")
    assert np.flatnonzero(replay.clipped).tolist() == [40]


def test_names_are_refused_where_there_is_nothing_to_name(tmp_path):
    _write(tmp_path / "run", SPIKY)
    with pytest.raises(ConfigurationError, match=r"`names` are of the columns .* got 2 with a run"):
        gradclip.replay(tmp_path / "run", "zclip", names=("a", "b"))
    with pytest.raises(ConfigurationError, match="got 1 with global norms"):
        gradclip.replay([1.0, 2.0], "zclip", names=("a",))


def _write(directory, norms):
    metadata = Metadata(
        program="test",
        framework="numpy",
        framework_version="2",
        gradclip="0",
        python="3",
        parameters=(Parameter("w", (2, 3)), Parameter("b", (3,))),
    )
    with RunWriter(directory, metadata) as writer:
        for step, norm in enumerate(norms):
            parts = (0.6 * norm, 0.8 * norm)
            writer.write(
                StepRecord(
                    step=step,
                    time=0.0,
                    loss=1.0,
                    global_norm_before=norm,
                    global_norm_after=norm,
                    scale=1.0,
                    norms_before=parts,
                    norms_after=parts,
                )
            )
        writer.finish("finished", {})

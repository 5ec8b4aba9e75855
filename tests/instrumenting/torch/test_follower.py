import pytest

import gradclip
from tests.instrumenting.harness import check_followed, followed, plain

pytestmark = pytest.mark.torch
LOOPS = "torch_loops.py"


def test_a_plain_loop_is_followed_to_the_bit(tmp_path):
    run = check_followed("torch_mlp.py", tmp_path / "run")
    assert [p.name for p in run.metadata.parameters] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert run.updates is not None


@pytest.mark.long
def test_a_clip_function_that_was_imported_by_name_is_seen(tmp_path):
    run = check_followed("torch_mlp.py", tmp_path / "run", "--clip")
    assert set(run.limit) == {0.25}


@pytest.mark.long
@pytest.mark.parametrize(
    "way", ["two", "critics", "lbfgs", "sparse", "partial", "compiled", "measured"]
)
def test_a_way_to_train_is_followed_to_the_bit(tmp_path, way):
    run = check_followed(LOOPS, tmp_path / "run", way)
    assert set(run.limit) == {float("inf")}
    assert run.summary is None  # there is nothing to note


@pytest.mark.long
@pytest.mark.parametrize(
    ("way", "limit"), [("value", 0.02), ("accumulate", 0.1), ("closure", 0.2), ("unscaled", 0.1)]
)
def test_a_way_to_clip_is_followed_to_the_bit(tmp_path, way, limit):
    run = check_followed(LOOPS, tmp_path / "run", way)
    assert set(run.limit) == {limit}


@pytest.mark.long
def test_two_optimizers_of_which_one_is_clipped_have_no_common_limit(tmp_path):
    run = check_followed(LOOPS, tmp_path / "run", "gan")
    assert all(run.limit != run.limit)


@pytest.mark.long
def test_gradients_that_are_clamped_by_hand_are_known_as_they_came(tmp_path):
    run = check_followed(LOOPS, tmp_path / "run", "clamp")
    assert "changes gradients itself" in run.summary["notes"][0]


@pytest.mark.long
@pytest.mark.parametrize("way", ["scaler", "fused"])
def test_norms_are_those_of_the_loss_before_it_was_scaled(tmp_path, way):
    run = check_followed(LOOPS, tmp_path / "run", way)
    assert run.skipped.nonzero()[0].tolist() == [5]


@pytest.mark.long
def test_new_parameters_begin_a_run_of_their_own(tmp_path):
    followed(LOOPS, tmp_path / "run", "added")
    first, second = gradclip.read_run(tmp_path / "run"), gradclip.read_run(tmp_path / "run-2")
    assert first.steps.tolist() == list(range(6))
    assert second.steps.tolist() == list(range(6, 12))
    assert len(second.metadata.parameters) == len(first.metadata.parameters) + 2


@pytest.mark.long
def test_a_policy_that_the_program_attaches_is_recorded_and_no_other_one(tmp_path):
    alone = plain(LOOPS, "attached")
    watched = followed(LOOPS, tmp_path / "run", "attached", GRADCLIP_RUN_CLIP="norm=0.01")
    assert watched.final == alone.final, watched.stderr
    run = gradclip.read_run(tmp_path / "run")
    assert run.limit.tolist() == pytest.approx([0.1] * 12)
    assert run.global_norm_after.max() == pytest.approx(0.1)


@pytest.mark.long
@pytest.mark.parametrize("policy", ["global-norm=0.1", "zclip"])
def test_a_policy_of_the_command_line_does_what_attach_does(tmp_path, policy):
    by_hand = plain(LOOPS, "attached", POLICY=policy)
    watched = followed(LOOPS, tmp_path / "run", "bare", GRADCLIP_RUN_CLIP=policy)
    assert watched.final == by_hand.final, watched.stderr
    assert len(gradclip.read_run(tmp_path / "run").steps) == 12


@pytest.mark.long
def test_a_program_that_imported_pytorch_before_is_followed(tmp_path):
    done = plain("torch_late.py", str(tmp_path / "run"))
    assert done.code == 0, done.stderr
    run = gradclip.read_run(tmp_path / "run")
    assert set(run.limit) == {0.5}
    assert len(run.steps) == 5

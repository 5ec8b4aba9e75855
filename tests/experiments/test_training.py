"""Tests of training, on the network that needs no framework."""

import math

import numpy as np
import pytest

from gradclip.errors import NonFiniteGradientError
from gradclip.experiments import Experiment, Training
from gradclip.record import RunWriter, read_run


def train(data, **choices):
    training = Training(Experiment(**({"framework": "numpy"} | choices)), data)
    return training, list(training.steps())


def test_an_epoch_has_a_record_for_each_batch(small_data):
    training, records = train(small_data, batch_size=10, epochs=2)
    assert training.num_steps == 14
    assert [record.step for record in records] == list(range(14))


def test_steps_are_counted_over_epochs(small_data):
    training, records = train(small_data, batch_size=10, steps=9)
    assert training.num_steps == len(records) == 9


def test_the_same_seed_trains_the_same_way_and_another_seed_another(small_data):
    first, again, other = (
        [record.loss for record in train(small_data, steps=3, seed=seed)[1]] for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_two_clippings_start_from_the_same_weights_and_batches(small_data):
    clipped, unclipped = (train(small_data, steps=1, clip=c)[1][0] for c in ("value=0.1", "none"))
    assert clipped.loss == unclipped.loss
    assert clipped.norms_before == unclipped.norms_before
    assert clipped.global_norm_after < unclipped.global_norm_after


def test_time_and_learning_rate_are_recorded(small_data):
    _, records = train(small_data, steps=3, lr=0.05)
    assert 0 < records[0].time < records[1].time < records[2].time
    assert {record.learning_rate for record in records} == {0.05}


def test_step_0_of_the_posts_setting_lies_above_15_and_comes_out_at_15(mnist):
    _, (record,) = train(mnist, steps=1)
    assert 30 < record.global_norm_before < 100
    assert record.global_norm_after == pytest.approx(15, rel=5e-7)
    assert record.scale == pytest.approx(15 / record.global_norm_before, rel=1e-6)
    assert record.limit == 15.0


@pytest.mark.slow
def test_after_some_hundred_steps_the_first_layers_norm_is_below_the_last_ones(mnist):
    training, records = train(mnist)
    norms = np.array([record.norms_before for record in records])
    first_to_last = norms[:, 0] / norms[:, 4]  # w1 over w3
    assert np.median(first_to_last[300:]) < 0.9
    assert training.evaluate() > 0.4
    assert training.summary()["test_accuracy"] == training.evaluate()


def test_thirty_sigmoid_layers_make_gradients_vanish(small_data):
    training, records = train(small_data, steps=1, depth=30, activation="sigmoid")
    first, last = records[0].norms_before[0], records[0].norms_before[-2]
    assert 0 < first < 1e-10 * last
    assert training.summary()["first_to_last_start"] < 1e-10


def test_thirty_relu_layers_of_he_do_not_vanish(small_data):
    _, records = train(small_data, steps=1, depth=30, activation="relu", init="he")
    assert records[0].norms_before[0] > 0.1 * records[0].norms_before[-2]


def test_a_learning_rate_set_badly_explodes_without_clipping(small_data):
    _, records = train(small_data, steps=10, lr=10.0, clip=None)
    assert records[2].loss > 1e6 * records[0].loss
    assert math.isnan(records[-1].loss)
    assert math.isnan(records[-1].global_norm_before)


def test_an_init_set_badly_explodes(small_data):
    _, records = train(small_data, steps=1, depth=30, activation="identity", hidden=(512,))
    assert records[0].global_norm_before > 1e6


def test_a_run_that_has_diverged_ends_after_ten_skipped_steps(small_data):
    training = Training(
        Experiment(framework="numpy", input_scale=1e-30, steps=50), small_data
    )  # outputs of 1e33, whose squares are infinite
    records = []
    with pytest.raises(NonFiniteGradientError, match="10 steps in a row, up to step 9"):
        records.extend(training.steps())
    weights = training.model.weights()
    assert all(np.isfinite(weight).all() for weight in weights)


def test_metadata_say_what_is_trained(small_data):
    training = Training(Experiment(framework="numpy", seed=3), small_data)
    metadata = training.metadata("gradclip demo", {"seed": 3})
    assert (metadata.framework, metadata.framework_version) == ("numpy", np.__version__)
    assert (metadata.policy, metadata.seed, metadata.device) == ("global-norm=15", 3, "cpu")
    assert metadata.parameters == training.parameters
    assert metadata.arguments == {"seed": 3}


def test_metadata_name_no_policy_where_nothing_clips(small_data):
    training = Training(Experiment(framework="numpy", clip="none"), small_data)
    assert training.metadata("p", {}).policy is None


def test_a_training_is_recorded_and_read_back(small_data, tmp_path):
    training = Training(Experiment(framework="numpy", steps=3), small_data)
    with RunWriter(tmp_path / "run", training.metadata("gradclip demo", {})) as writer:
        for record in training.steps():
            writer.write(record)
        training.evaluate()
        writer.finish("finished", training.summary())
    run = read_run(tmp_path / "run")
    assert run.norms_before.shape == (3, 6)
    assert run.summary["steps"] == 3
    assert 0 <= run.summary["test_accuracy"] <= 1


def test_what_sgd_applied_is_measured_at_every_tenth_step(small_data):
    _, records = train(small_data, steps=21, lr=0.01, optimizer="sgd")
    measured = [r for r in records if r.update_norms is not None]
    assert [r.step for r in measured] == [0, 10, 20]
    for record in measured:
        expected = 0.01 * np.array(record.norms_after)
        np.testing.assert_allclose(record.update_norms, expected, rtol=1e-3)
        assert (np.array(record.weight_norms)[::2] > 0).all()

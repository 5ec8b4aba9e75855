"""The clipping optimizer on whatever backend Keras was imported with; see test_backends.py."""

import math
import subprocess
import sys

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from tests.keras.models import bad, close, compiled, data, fit, same, values  # noqa: E402

import gradclip  # noqa: E402 - after Keras
from gradclip.errors import ConfigurationError, NonFiniteGradientError  # noqa: E402
from gradclip.keras import ClippedOptimizer  # noqa: E402

BACKEND = keras.backend.backend()
pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(BACKEND == "numpy", reason="NumPy does not differentiate"),
]
LOADER = """
import sys, keras, gradclip.keras
model = keras.models.load_model(sys.argv[1])
print(model.optimizer.policy, model.optimizer.inner_optimizer.name, model.optimizer.skipped_steps)
"""


def tensor(*entries):
    return keras.ops.array(entries, dtype="float32")


def sgd(policy=None, **options):
    return ClippedOptimizer(keras.optimizers.SGD(1.0), policy, **options)


# ------------------------------------------------------------------ in fit
def test_fit_clips_as_keras_does():
    ours = compiled(ClippedOptimizer(keras.optimizers.Adam(0.1), gradclip.GlobalNorm(0.5)))
    theirs = compiled(keras.optimizers.Adam(0.1, global_clipnorm=0.5))
    assert close(fit(ours), fit(theirs))
    assert int(ours.optimizer.iterations) == 8
    report = ours.optimizer.report
    assert math.isclose(float(report.norm_after), 0.5, rel_tol=1e-6)
    assert report.names[0].endswith("/kernel")
    assert len(str(report).splitlines()) == 5


def test_a_report_stays_that_of_its_step():
    weight = keras.Variable([3.0, 4.0])
    optimizer = sgd(gradclip.GlobalNorm(1.0))
    optimizer.apply([tensor(3.0, 4.0)], [weight])
    report = optimizer.report
    optimizer.apply([tensor(6.0, 8.0)], [weight])
    assert float(report.norm_before) == 5.0
    assert float(optimizer.report.norm_before) == 10.0


def test_a_bad_batch_changes_nothing_but_the_counts():
    network = fit(compiled(ClippedOptimizer(keras.optimizers.Adam(0.1), "zclip")), epochs=1)
    optimizer = network.optimizer
    held = [*network.trainable_variables, *optimizer.inner_optimizer.variables]
    before = values(held)
    fit(network, bad(8), epochs=2)
    assert same(before, values(held))
    assert bool(optimizer.report.skipped)
    assert (optimizer.skipped_steps, optimizer.skipped_in_a_row) == (2, 2)
    fit(network, epochs=1)
    assert (optimizer.skipped_steps, optimizer.skipped_in_a_row) == (2, 0)
    assert all(np.isfinite(v).all() for v in values(network.trainable_variables))


def test_a_policy_may_drop_steps():
    drop = gradclip.Clip(limit=0.0, action="drop")
    network = compiled(ClippedOptimizer("sgd", drop, max_skipped=None))
    before = values(network.trainable_variables)
    assert same(before, values(fit(network).trainable_variables))
    assert network.optimizer.skipped_steps == 8


def test_too_many_bad_batches_in_a_row_end_the_training():
    network = compiled(sgd("norm=1", max_skipped=3))
    with pytest.raises(
        (NonFiniteGradientError, Exception), match="At most 3 steps in a row may be skipped"
    ):
        fit(network, np.concatenate([bad(8)] * 4), epochs=1)


def test_the_learning_rate_is_the_inner_optimizers():
    network = compiled(ClippedOptimizer(keras.optimizers.SGD(0.1), "norm=1"))
    inputs, targets = data()
    halve = keras.callbacks.LearningRateScheduler(lambda _, rate: rate / 2)
    network.fit(inputs, targets, epochs=2, verbose=0, callbacks=[halve])
    assert math.isclose(float(network.optimizer.learning_rate.numpy()), 0.025, rel_tol=1e-6)


def test_averages_of_weights_can_be_swapped_in():
    adam = keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.5)
    network = compiled(ClippedOptimizer(adam, "global-norm=1"))
    inputs, targets = data()
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    network.fit(inputs, targets, epochs=1, verbose=0, callbacks=[swap])
    averages = adam._model_variables_moving_average
    assert same(values(network.trainable_variables), values(averages))


# ------------------------------------------------------------------ by hand
def test_apply_takes_some_of_the_variables_and_none():
    first, second, third = (keras.Variable([3.0, 4.0]) for _ in range(3))
    optimizer = sgd(gradclip.GlobalNorm(1.0))
    optimizer.build([first, second, third])
    gradients = [tensor(0.0, 12.0), tensor(3.0, 4.0)]
    assert int(optimizer.apply_gradients(zip(gradients, [third, first], strict=True))) == 1
    assert np.allclose(first.numpy(), [3 - 3 / 13, 4 - 4 / 13])
    assert second.numpy().tolist() == [3.0, 4.0]
    assert np.allclose(third.numpy(), [3.0, 4 - 12 / 13])
    assert np.allclose(optimizer.report.parts_before, [5.0, 0.0, 12.0])
    with pytest.warns(UserWarning, match="Gradients do not exist for variables"):
        optimizer.apply([None, tensor(3.0, 4.0)], [first, second])
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.apply([tensor(1.0)], [keras.Variable([1.0])])


def test_bad_steps_are_counted_and_raised_by_hand():
    weight = keras.Variable([3.0])
    optimizer = sgd(max_skipped=2)
    optimizer.apply([tensor(math.nan)], [weight])
    with pytest.raises(NonFiniteGradientError, match="At most 2 steps in a row"):
        optimizer.apply([tensor(math.inf)], [weight])
    assert weight.numpy().tolist() == [3.0]


@pytest.mark.parametrize(("answer", "wanted"), [("zero", [0.0, 1.0]), ("propagate", [0.0, None])])
def test_the_other_answers_to_bad_gradients(answer, wanted):
    good, poor = keras.Variable([1.0]), keras.Variable([1.0])
    sgd("norm=1", nonfinite=answer).apply([tensor(2.0), tensor(math.nan)], [good, poor])
    found = [float(v.numpy()[0]) for v in (good, poor)]
    assert [None if math.isnan(x) else x for x in found] == wanted


def test_bad_gradients_are_named():
    weight = keras.Variable([1.0], name="weight")
    with pytest.raises(NonFiniteGradientError, match="NaN or inf in weight"):
        sgd(nonfinite="raise").apply([tensor(math.nan)], [weight])


def test_what_is_no_gradient_is_not_clipped():
    weight, scale = keras.Variable([3.0]), keras.Variable([1.0])
    scale.overwrite_with_gradient = True  # as the scales of float8 are
    sgd(gradclip.GlobalNorm(1.0)).apply([tensor(2.0), tensor(50.0)], [weight, scale])
    assert (float(weight.numpy()[0]), float(scale.numpy()[0])) == (2.0, 50.0)


def test_units_are_clipped_by_their_weights():
    weight = keras.Variable([[6.0, 8.0], [8.0, 6.0]])
    optimizer = sgd(gradclip.AdaptiveGradientClipping(0.1))
    optimizer.apply([keras.ops.array([[3.0, 0.3], [4.0, 0.4]])], [weight])
    assert np.allclose(weight.numpy(), [[5.4, 7.7], [7.2, 5.6]])


# ------------------------------------------------------------------ saved
@pytest.mark.parametrize("policy", ["zclip", "autoclip", "adagc", "spam"])
def test_a_saved_model_goes_on_as_if_nothing_had_happened(policy, tmp_path):
    network = fit(compiled(ClippedOptimizer(keras.optimizers.Adam(0.1), policy)), bad())
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.policy == network.optimizer.policy
    for each in (network, loaded):
        fit(each)
    assert same(values(network.optimizer.variables), values(loaded.optimizer.variables))
    assert same(values(network.trainable_variables), values(loaded.trainable_variables))


@pytest.mark.slow
def test_another_process_loads_a_model(tmp_path):
    policy = gradclip.Exclude("bias", policy=gradclip.Norm(gradclip.Schedule({0: 2.0, 9: 1.0})))
    inner = keras.optimizers.Adam(0.1, name="inner")
    network = fit(compiled(ClippedOptimizer(inner, policy, max_skipped=None)), bad())
    network.save(tmp_path / "model.keras")
    command = [sys.executable, "-c", LOADER, str(tmp_path / "model.keras")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{policy} inner 2"


def test_a_configuration_describes_the_optimizer():
    optimizer = ClippedOptimizer(
        keras.optimizers.Adam(0.1), "zclip", nonfinite="zero", max_skipped=None, name="clipped"
    )
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert again.policy == gradclip.ZClip()


def test_a_function_cannot_be_saved():
    with pytest.raises(ConfigurationError, match="can be saved if"):
        sgd(lambda gradients: gradients).get_config()


def test_weights_can_be_set():
    first, second = keras.Variable([1.0]), keras.Variable([1.0])
    one, other = sgd("zclip"), sgd("zclip")
    one.apply([tensor(2.0)], [first])
    other.build([second])
    other.set_weights(values(one.variables))
    assert same(values(one.variables), values(other.variables))


# ------------------------------------------------------------------ guarded
@pytest.mark.parametrize("option", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_clipping_twice_is_said(option):
    with pytest.warns(UserWarning, match=rf"clipped twice, by \w+\({option}=1.0\) too"):
        ClippedOptimizer(keras.optimizers.Adam(**{option: 1.0}), "norm=1")


def test_a_policy_around_a_policy_is_said():
    inner = keras.optimizers.LossScaleOptimizer(sgd("norm=1"))
    with pytest.warns(UserWarning, match="by a ClippedOptimizer inside another"):
        ClippedOptimizer(inner, "norm=1")


@pytest.mark.parametrize("wrong", [{"policy": 5}, {"policy": "norm=1", "nonfinite": "ignore"}])
def test_what_is_no_policy_is_refused(wrong):
    with pytest.raises(ConfigurationError):
        ClippedOptimizer("sgd", **wrong)

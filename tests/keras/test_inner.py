"""What inner optimizers offer besides steps; Keras' own clipping is the measure."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from tests.keras.models import bad, close, compiled, fit, same, values  # noqa: E402

import gradclip  # noqa: E402 - after Keras
from gradclip.keras import ClippedOptimizer  # noqa: E402

OPTIMIZERS = keras.optimizers
pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(keras.backend.backend() == "numpy", reason="NumPy does not differentiate"),
]


def schedule():
    return OPTIMIZERS.schedules.ExponentialDecay(0.05, 3, 0.5)


INNER = {
    "decay": lambda **options: OPTIMIZERS.AdamW(0.05, weight_decay=0.1, **options),
    "averages": lambda **options: OPTIMIZERS.Adam(
        0.05, use_ema=True, ema_overwrite_frequency=3, **options
    ),
    "schedule": lambda **options: OPTIMIZERS.SGD(schedule(), momentum=0.9, **options),
    "scale": lambda **options: OPTIMIZERS.Adam(0.05, loss_scale_factor=1000.0, **options),
    "accumulation": lambda **options: OPTIMIZERS.Adam(
        0.05, gradient_accumulation_steps=2, **options
    ),
}


def scaled(optimizer):
    return OPTIMIZERS.LossScaleOptimizer(optimizer, initial_scale=1024.0)


@pytest.mark.parametrize("make", list(INNER.values()), ids=list(INNER))
def test_the_inner_optimizer_does_what_it_does(make):
    ours = compiled(ClippedOptimizer(make(), gradclip.GlobalNorm(0.5)))
    theirs = compiled(make(global_clipnorm=0.5))
    assert close(fit(ours), fit(theirs))
    assert int(ours.optimizer.iterations) == int(theirs.optimizer.iterations)
    assert np.isclose(float(ours.optimizer.report.limit), 0.5)
    assert float(ours.optimizer.report.norm_before) < 20.0  # of an unscaled gradient


@pytest.mark.parametrize("accumulated", [None, 2])
@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
def test_loss_scales_go_inside_and_outside(inside, accumulated):
    adam = OPTIMIZERS.Adam(0.05, gradient_accumulation_steps=accumulated)
    policy = gradclip.GlobalNorm(0.5)
    if inside:
        clipped = outer = ClippedOptimizer(scaled(adam), policy)
    else:
        clipped = ClippedOptimizer(adam, policy)
        outer = scaled(clipped)
    theirs = OPTIMIZERS.Adam(0.05, gradient_accumulation_steps=accumulated, global_clipnorm=0.5)
    ours = fit(compiled(outer))
    assert close(ours, fit(compiled(scaled(theirs))))
    assert float(clipped.report.norm_before) < 20.0
    held = [*ours.trainable_variables, *adam.variables]
    before = values(held)
    fit(ours, bad(8), epochs=1)
    scales = clipped.inner_optimizer if inside else outer
    assert float(scales.dynamic_scale.numpy()) == 512.0
    if accumulated is None:
        assert same(before, values(held))


def test_infinite_gradients_of_a_loss_scale_do_not_end_the_training():
    optimizer = ClippedOptimizer(scaled(OPTIMIZERS.SGD(0.1)), "norm=1", max_skipped=2)
    network = fit(compiled(optimizer), np.concatenate([bad(8)] * 4), epochs=1)
    assert float(optimizer.inner_optimizer.dynamic_scale.numpy()) == 64.0
    assert optimizer.skipped_in_a_row == 4
    assert all(np.isfinite(v).all() for v in values(network.trainable_variables))


def test_keras_may_put_a_loss_scale_around_another_one():
    optimizer = ClippedOptimizer(scaled(OPTIMIZERS.Adam(0.05)), gradclip.GlobalNorm(0.5))
    once = scaled(ClippedOptimizer(OPTIMIZERS.Adam(0.05), gradclip.GlobalNorm(0.5)))
    assert close(fit(compiled(scaled(optimizer))), fit(compiled(once)))


def test_half_precision_models_are_scaled_by_keras():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        network = compiled(ClippedOptimizer(OPTIMIZERS.Adam(0.05), gradclip.GlobalNorm(0.5)))
        plain = compiled(OPTIMIZERS.Adam(0.05, global_clipnorm=0.5))
        assert isinstance(network.optimizer, OPTIMIZERS.LossScaleOptimizer)
        fit(network), fit(plain)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    pairs = zip(values(network.variables), values(plain.variables), strict=True)
    assert all(np.allclose(a, b, atol=2e-3) for a, b in pairs)


def test_a_bad_batch_among_accumulated_ones_drops_them_all():
    adam = OPTIMIZERS.Adam(0.05, gradient_accumulation_steps=2)
    network = fit(compiled(ClippedOptimizer(adam, "zclip")), epochs=1)
    held = [*network.trainable_variables, *adam.variables]
    before = values(held)
    fit(network, bad(16), epochs=1)
    assert same(before, values(held))
    fit(network, epochs=1)
    assert int(network.optimizer.iterations) == 4
    assert network.optimizer.skipped_steps == 1

"""What SPAM's resets do to the moments that a Keras optimizer keeps."""

import importlib
import warnings

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from tests.keras.models import compiled, data, fit, same, values  # noqa: E402

import gradclip  # noqa: E402 - after Keras
from gradclip import SPAM, PerGroup  # noqa: E402
from gradclip.keras import ClippedOptimizer  # noqa: E402
from gradclip.keras.moments import moments_of  # noqa: E402

BACKEND = keras.backend.backend()
OPTIMIZERS = keras.optimizers
pytestmark = pytest.mark.keras
trains = pytest.mark.skipif(BACKEND == "numpy", reason="NumPy does not differentiate")

KEEPING_MOMENTS = {
    "SGD": ({"momentum": 0.9}, {"momentums"}),
    "Adam": ({"amsgrad": True}, {"_momentums", "_velocities", "_velocity_hats"}),
    "AdamW": ({}, {"_momentums", "_velocities"}),
    "Adamax": ({}, {"_m", "_u"}),
    "Nadam": ({}, {"_momentums", "_velocities"}),
    "Lamb": ({}, {"_momentums", "_velocities"}),
    "Lion": ({}, {"_momentums"}),
    "RMSprop": (
        {"momentum": 0.9, "centered": True},
        {"_velocities", "_momentums", "_average_gradients"},
    ),
    "Adadelta": ({}, {"_accumulated_grads", "_accumulated_delta_vars"}),
    "Adafactor": ({}, {"_r", "_c", "_v"}),
    "Muon": ({}, {"momentums", "adam_velocities"}),
    "ScheduleFreeAdamW": ({}, {"_velocities"}),
}


def variables():
    return [keras.Variable(np.full((2, 2), 3.0, "float32"), name="kernel"),
            keras.Variable(np.full((2,), 3.0, "float32"), name="bias")]  # fmt: skip


def gradients(factor=1.0):
    entries = np.arange(1.0, 5.0, dtype="float32") * factor
    return [keras.ops.array(entries.reshape(2, 2)), keras.ops.array(entries[:2])]


def zero(optimizer, name):
    """Tell whether all moments of one kind are zeros."""
    return all(not m.numpy().any() for m in getattr(optimizer, name) if m is not None)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras copies
@pytest.mark.parametrize("kind", KEEPING_MOMENTS)
def test_spam_resets_the_moments_after_every_so_many_steps(kind):
    if not hasattr(OPTIMIZERS, kind):
        pytest.skip("younger than this Keras")
    options, moments = KEEPING_MOMENTS[kind]
    inner = getattr(OPTIMIZERS, kind)(0.1, **options)
    optimizer, weights = ClippedOptimizer(inner, SPAM(reset_every=3, warmup=1)), variables()
    for i in range(1, 8):
        optimizer.apply(gradients(), weights)
        assert {name for name in moments if zero(inner, name)} == (moments if i % 3 == 0 else set())
    assert int(inner.iterations) == 7  # which is not reset
    assert all(np.isfinite(w.numpy()).all() for w in weights)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras copies
@pytest.mark.skipif(not hasattr(OPTIMIZERS, "ScheduleFreeAdamW"), reason="younger than this Keras")
def test_weights_that_an_optimizer_keeps_as_momentum_are_none():
    inner, weights = OPTIMIZERS.ScheduleFreeAdamW(0.1), variables()
    inner.build(weights)
    assert {id(m) for m in moments_of(inner, weights)} == {id(m) for m in inner._velocities}


def test_sums_over_all_steps_are_no_moments():
    for inner in (OPTIMIZERS.Adagrad(0.1), OPTIMIZERS.Ftrl(0.1)):
        weights = variables()
        inner.build(weights)
        assert moments_of(inner, weights) == []


def test_after_a_reset_an_optimizer_steps_as_keras_does_from_zero_moments():
    inner, plain = OPTIMIZERS.AdamW(0.1), OPTIMIZERS.AdamW(0.1)
    optimizer, ours, theirs = ClippedOptimizer(inner, SPAM(reset_every=4)), variables(), variables()
    for i in range(1, 11):
        optimizer.apply(gradients(), ours)
        plain.apply(gradients(), theirs)
        if i % 4 == 0:
            for moment in [*plain._momentums, *plain._velocities]:
                moment.assign(keras.ops.zeros(moment.shape))
    assert same(values(ours), values(theirs))


def test_skipped_steps_do_not_count_towards_a_reset():
    inner, weights = OPTIMIZERS.Adam(0.1), variables()
    optimizer = ClippedOptimizer(inner, SPAM(reset_every=3))
    for factor in (1.0, np.nan, 1.0):
        optimizer.apply(gradients(factor), weights)
    assert not zero(inner, "_momentums")
    optimizer.apply(gradients(), weights)
    assert zero(inner, "_momentums")
    assert zero(inner, "_velocities")


def test_resets_are_of_the_variables_that_spam_governs():
    inner, weights = OPTIMIZERS.Adam(0.1), variables()
    optimizer = ClippedOptimizer(inner, PerGroup({"bias": None, "*": SPAM(reset_every=2)}))
    for _ in range(2):
        optimizer.apply(gradients(), weights)
    kernel, bias = inner._momentums
    assert not kernel.numpy().any()
    assert bias.numpy().any()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras' conversion of PyTorch's tensors
def test_an_optimizer_without_moments_is_said_once():
    optimizer, weights = ClippedOptimizer(OPTIMIZERS.SGD(0.1), SPAM(reset_every=2)), variables()
    with pytest.warns(UserWarning, match="resets the optimizer's moments, got SGD") as said:
        optimizer.build(weights)
    assert [w.filename for w in said if "SPAM" in str(w.message)] == [__file__]
    for _ in range(3):
        optimizer.apply(gradients(), weights)


def test_who_asks_for_no_reset_is_told_nothing():
    ClippedOptimizer(OPTIMIZERS.SGD(0.1), SPAM(reset_every=None)).build(variables())


@pytest.mark.skipif(not hasattr(OPTIMIZERS, "MultiOptimizer"), reason="younger than this Keras")
def test_moments_of_several_optimizers_in_one_are_found():
    adam, sgd = OPTIMIZERS.Adam(0.1), OPTIMIZERS.SGD(0.1, momentum=0.9)
    several, weights = OPTIMIZERS.MultiOptimizer(lambda v: adam if v.name == "bias" else sgd), []
    weights += variables()
    several.build(weights)
    kept = {id(m) for m in moments_of(several, weights)}
    assert kept == {id(m) for m in [*sgd.momentums, *adam._momentums, *adam._velocities]}


def test_a_wrapper_for_loops_of_ones_own_resets_too():
    if BACKEND in {"tensorflow", "numpy"}:
        pytest.skip("there it is TensorFlow's, which says that it does not; or there is none")
    inner, weights = OPTIMIZERS.Adam(0.1), variables()
    optimizer = gradclip.keras.Optimizer(inner, clip=SPAM(reset_every=2))
    for i in range(1, 5):
        optimizer.apply_gradients(zip(gradients(), weights, strict=True))
        assert zero(inner, "_momentums") == (i % 2 == 0)


# ------------------------------------------------------------------ compiled
@trains
@pytest.mark.parametrize("scaled", [None, "inside", "outside"])
@pytest.mark.parametrize("accumulated", [None, 2])
def test_fit_resets_compiled_or_not(scaled, accumulated):
    inner = OPTIMIZERS.Adam(0.05, gradient_accumulation_steps=accumulated)
    outer = OPTIMIZERS.LossScaleOptimizer(inner) if scaled == "inside" else inner
    optimizer = ClippedOptimizer(outer, SPAM(reset_every=4))
    if scaled == "outside":
        optimizer = OPTIMIZERS.LossScaleOptimizer(optimizer)
    network = compiled(optimizer)
    batches = 4 * (accumulated or 1)
    fit(network, epochs=batches // 4)
    assert zero(inner, "_momentums")
    assert zero(inner, "_velocities")
    fit(network, epochs=batches // 4 + 1)
    assert zero(inner, "_momentums") == (accumulated is None)
    fit(network, data()[0][:16], epochs=1)
    assert not zero(inner, "_momentums")


@pytest.mark.skipif(BACKEND != "tensorflow", reason="another backend")
@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
def test_a_function_resets(xla):
    tf = importlib.import_module("tensorflow")
    inner, weights = OPTIMIZERS.Adam(0.1), variables()
    optimizer = ClippedOptimizer(inner, SPAM(reset_every=3))
    step = tf.function(lambda g: optimizer.apply(g, weights), jit_compile=xla)
    for i in range(1, 7):
        step(gradients())
        assert zero(inner, "_momentums") == zero(inner, "_velocities") == (i % 3 == 0)


@pytest.mark.skipif(BACKEND != "jax", reason="another backend")
def test_stateless_apply_resets():
    jax = importlib.import_module("jax")
    inner, weights = OPTIMIZERS.Adam(0.1), variables()
    optimizer = ClippedOptimizer(inner, SPAM(reset_every=3))
    optimizer.build(weights)
    step = jax.jit(lambda state, w: optimizer.stateless_apply(state, gradients(), w))
    state, now = [v.value for v in optimizer.variables], [w.value for w in weights]
    moments = {id(m) for m in [*inner._momentums, *inner._velocities]}
    places = [i for i, v in enumerate(optimizer.variables) if id(v) in moments]
    for i in range(1, 7):
        now, state = step(state, now)
        assert all(bool((state[p] == 0).all()) == (i % 3 == 0) for p in places)


@trains
def test_resets_go_on_where_a_model_was_saved(tmp_path):
    with warnings.catch_warnings(record=True) as said:
        network = fit(compiled(ClippedOptimizer(OPTIMIZERS.Adam(0.05), SPAM(reset_every=6))),
                      epochs=1)  # fmt: skip
        network.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        fit(loaded, data()[0][:16], epochs=1)
    assert not [w for w in said if "SPAM" in str(w.message)]
    assert zero(loaded.optimizer.inner_optimizer, "_momentums")

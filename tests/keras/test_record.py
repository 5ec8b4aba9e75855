"""Recording `fit` on whatever backend Keras was imported with; see test_backends.py."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from tests.keras.models import compiled, data, fit, values  # noqa: E402

import gradclip  # noqa: E402 - after Keras
from gradclip.errors import ConfigurationError  # noqa: E402
from gradclip.keras import ClippedOptimizer, Record  # noqa: E402

BACKEND = keras.backend.backend()
pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(BACKEND == "numpy", reason="NumPy does not differentiate"),
]


def train(model, record, epochs=2):
    inputs, targets = data()
    model.fit(
        inputs, targets, epochs=epochs, batch_size=8, verbose=0, shuffle=False, callbacks=[record]
    )


def clipped(policy="global-norm=0.5"):
    return compiled(ClippedOptimizer(keras.optimizers.SGD(0.1), policy))


def test_every_batch_of_fit_is_recorded(tmp_path):
    model = clipped()
    train(model, Record(tmp_path / "run", updates_every=4))
    run = gradclip.read_run(tmp_path / "run")
    assert (run.status, run.steps.tolist()) == ("finished", list(range(8)))
    assert [p.name for p in run.metadata.parameters] == list(model.optimizer.report.names)
    assert run.metadata.framework == "keras"
    assert (run.learning_rate == np.float32(0.1)).all()
    assert np.isfinite(run.loss).all()
    assert len(np.unique(run.global_norm_before)) == 8
    assert run.global_norm_before[-1] == float(model.optimizer.report.norm_before)
    assert run.updates.steps.tolist() == [0, 4]
    np.testing.assert_allclose(
        run.updates.update_norms, 0.1 * run.norms_after[[0, 4]], rtol=1e-3, atol=1e-6
    )


def test_training_is_the_same_with_a_recorder_and_without(tmp_path):
    recorded, plain = clipped(), clipped()
    train(recorded, Record(tmp_path / "run"))
    fit(plain)
    pairs = zip(values(recorded.weights), values(plain.weights), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_a_later_fit_goes_on_in_the_run(tmp_path):
    model, record = clipped(), Record(tmp_path / "run")
    train(model, record, epochs=1)
    train(model, record, epochs=1)
    assert gradclip.read_run(tmp_path / "run").steps.tolist() == list(range(8))


def test_a_model_that_clips_nothing_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"compiled with gradclip\.keras\."):
        train(compiled(keras.optimizers.SGD(0.1)), Record(tmp_path / "run"))


@pytest.mark.skipif(BACKEND != "jax", reason="the others leave variables where they are")
def test_a_report_within_fit_says_what_to_do_first():
    model = clipped()
    said = []

    def look(batch, logs):
        with pytest.raises(ConfigurationError, match=r"call model\.jax_state_sync\(\) first"):
            str(model.optimizer.report)
        model.jax_state_sync()
        said.append(str(model.optimizer.report))

    inputs, targets = data()
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=look)
    model.fit(inputs, targets, epochs=1, batch_size=8, verbose=0, callbacks=[callback])
    assert len(set(said)) == 4

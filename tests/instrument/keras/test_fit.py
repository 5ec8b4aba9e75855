"""Keras' `fit`, unchanged, comes to the same and is recorded."""

import numpy as np
import pytest
from tests.instrument.harness import check_followed

pytestmark = pytest.mark.keras

NAMES = ("net/hidden/kernel", "net/hidden/bias", "net/dense/kernel", "net/dense/bias")


def test_fit_is_recorded(tmp_path):
    run = check_followed("keras_fit.py", tmp_path / "run", rtol=1e-3)
    assert run.metadata.parameters[0].name == NAMES[0]
    assert run.learning_rate == pytest.approx(0.02)
    assert run.updates.steps.tolist() == [10]
    change = run.updates.update_norms[0]
    np.testing.assert_allclose(change, 0.02 * run.norms_after[10], rtol=1e-3)


WAYS = {
    "clipped": {"GLOBAL_CLIPNORM": "3"},
    "eager": {"RUN_EAGERLY": "1", "GLOBAL_CLIPNORM": "3"},
    "compiled by XLA": {"JIT": "1", "GLOBAL_CLIPNORM": "3"},
    "a plain graph": {"JIT": "0"},
    "several steps in one": {"STEPS_PER_EXECUTION": "4", "JIT": "1"},
    "accumulated": {"ACCUMULATE": "2", "GLOBAL_CLIPNORM": "3"},
    "accumulated eagerly": {"ACCUMULATE": "2", "RUN_EAGERLY": "1"},
    "averaged": {"EMA": "1"},
    "scaled": {"LOSS_SCALE": "1", "GLOBAL_CLIPNORM": "3"},
    "scaled eagerly": {"LOSS_SCALE": "1", "RUN_EAGERLY": "1"},
}


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_fit_is_recorded_in_every_way(way, tmp_path, monkeypatch):
    for name, value in WAYS[way].items():
        monkeypatch.setenv(name, value)
    check_followed("keras_fit.py", tmp_path / "run", rtol=1e-3)

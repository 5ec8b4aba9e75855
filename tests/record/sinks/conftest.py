"""Real recordings for sinks."""

import numpy as np
import pytest

import gradclip

NAMES = ["layers.0.weight", 'odd "name"\n\\']


@pytest.fixture
def record(tmp_path):
    """Return what records steps into sinks, with a threshold of 1; step 3 has a NaN."""

    def recorded(*sinks, steps=10, names=NAMES, folder="run"):
        weights = {name: np.zeros(2, np.float32) for name in names}
        clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0), statistics=True)
        path = tmp_path / folder
        with gradclip.Recorder(path, weights, program="program", sinks=sinks) as recorder:
            for step in range(steps):
                gradients = [
                    np.full(2, (i + 1) * (step + 1) / 10, np.float32) for i, _ in enumerate(names)
                ]
                if step == 3:
                    gradients[0][0] = np.nan
                clipper(gradients, names=names)
                recorder.record(clipper.report, loss=1.0 / (step + 1), learning_rate=0.1)
        return gradclip.read_run(path)

    return recorded

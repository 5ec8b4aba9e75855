"""TensorBoard's own reader reads what was written for it."""

import subprocess
import sys

import numpy as np
import pytest

from gradclip.record.sinks import TensorBoard

pytest.importorskip("tensorboard")


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: PLC0415

    return EventAccumulator(str(folder)).Reload()


@pytest.fixture
def written(tmp_path, record):
    run = record(TensorBoard(tmp_path / "logs" / "gradclip", every=3))
    return run, read(tmp_path / "logs" / "gradclip")


def test_numbers_and_layers_are_scalars(written):
    run, events = written
    scalars = events.Scalars("gradclip/global_norm_before")
    assert [s.step for s in scalars] == [0, 3, 6, 9]
    values = np.array([s.value for s in scalars])
    np.testing.assert_array_equal(values, run.global_norm_before[::3].astype(np.float32))
    layers = events.Scalars("gradclip/layers_before/layers.0.weight")
    assert layers[-1].value == run.norms_before[9, 0]
    assert not any(tag.endswith("grad_norm") for tag in events.Tags()["scalars"])


def test_times_are_those_of_the_steps(written):
    run, events = written
    times = np.array([s.wall_time for s in events.Scalars("gradclip/loss")])
    np.testing.assert_allclose(times - times[0], run.time[::3] - run.time[0], atol=1e-5)


def test_all_norms_are_a_histogram(written):
    run, events = written
    last = events.Histograms("gradclip/norms_before")[-1]
    assert last.step == 9
    assert (last.histogram_value.min, last.histogram_value.max) == tuple(
        sorted(run.norms_before[9])
    )
    assert sum(last.histogram_value.bucket) == 2


def test_writing_loads_neither_tensorflow_nor_torch(tmp_path):
    code = (
        "import sys, numpy as np, gradclip\n"
        "import gradclip.record.sinks as sinks\n"
        "clipper = gradclip.numpy.Clipper('global-norm=1'); clipper([np.ones(2)])\n"
        "sink = sinks.TensorBoard(sys.argv[1] + '/logs')\n"
        "with gradclip.Recorder(sys.argv[1] + '/run', {'w': np.ones(2)}, sinks=[sink]) as r:\n"
        "    r.record(clipper.report)\n"
        "print([name for name in ('tensorflow', 'torch') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
    assert read(tmp_path / "logs").Tags()["scalars"]

"""Trackers of experiments, each with its real library, offline, in a process of its own."""

import json
import math
import os
import struct
import subprocess
import sys
import textwrap

import pytest

RECORDING = """
import json, sys
import numpy as np
import gradclip
from gradclip.record import sinks

folder = sys.argv[1]
names = ["layers.0.weight", "['b'], odd"]


def record(*sinks):
    clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0), statistics=True)
    weights = {name: np.zeros(2) for name in names}
    with gradclip.Recorder(f"{folder}/run", weights, sinks=sinks) as recorder:
        for step in range(10):
            bad = np.nan if step == 3 else 1.0
            clipper([np.array([3.0, 4.0]) * (step + 1), np.array([bad, 0.0])], names=names)
            recorder.record(clipper.report, loss=0.5)
    assert recorder.lost == 0


def refusal(sink):
    try:
        record(sink)
    except gradclip.ConfigurationError as error:
        return str(error)


"""
# By default it wants a database today, and its small package has no driver for one.
MLFLOW = {"MLFLOW_ALLOW_FILE_STORE": "true", "GIT_PYTHON_REFRESH": "quiet"}
NORMS = [math.sqrt(25 * (i + 1) ** 2 + 1) for i in range(10)]


def run(folder, program, **environment):
    """Return what a program printed last, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", RECORDING + textwrap.dedent(program), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def check(rows):
    """Check some numbers of the steps 0, 3, 6 and 9."""
    before = [row["gradclip/global_norm_before"] for row in rows]
    assert math.isnan(float(before.pop(1)))
    assert before == pytest.approx([NORMS[0], NORMS[6], NORMS[9]])
    assert [row["gradclip/skipped"] for row in rows] == [0, 1, 0, 0]
    layers = [row["gradclip/layers_before/layers.0.weight"] for row in rows]
    assert layers == pytest.approx([5.0, 20.0, 35.0, 50.0])


def test_trackio_has_the_steps_in_its_active_run(tmp_path):
    pytest.importorskip("trackio")
    program = """
        import trackio
        from trackio.sqlite_storage import SQLiteStorage
        refused = refusal(sinks.Trackio())
        trackio.init(project="p", name="n", embed=False)
        record(sinks.Trackio(every=3))
        trackio.log({"theirs": 1.0})
        trackio.finish()
        print()
        print(json.dumps([refused, SQLiteStorage.get_logs("p", "n")]))
    """
    offline = {"TRACKIO_DIR": str(tmp_path / "trackio"), "HF_HUB_OFFLINE": "1"}
    refused, rows = run(tmp_path, program, **offline)
    assert "call trackio.init(...) first" in refused
    assert rows.pop()["theirs"] == 1.0
    assert [row["gradclip/step"] for row in rows] == [0, 3, 6, 9]
    check(rows)


def test_mlflow_has_the_steps_in_its_active_run(tmp_path):
    pytest.importorskip("mlflow")
    program = """
        import mlflow
        mlflow.set_tracking_uri(f"file:{folder}/mlruns")
        refused = refusal(sinks.MLflow())
        with mlflow.start_run() as active:
            record(sinks.MLflow(every=3))
            mlflow.log_metric("theirs", 1.0)
        client, found = mlflow.MlflowClient(), {}
        for name in client.get_run(active.info.run_id).data.metrics:
            history = client.get_metric_history(active.info.run_id, name)
            found[name] = [(m.step, m.value, m.timestamp) for m in history]
        print(json.dumps([refused, found]))
    """
    refused, found = run(tmp_path, program, **MLFLOW)
    assert "call mlflow.start_run() first" in refused
    assert [value for _, value, _ in found.pop("theirs")] == [1.0]
    names = list(found)
    steps = [step for step, _, _ in found["gradclip/loss"]]
    assert steps == [0, 3, 6, 9]
    assert "gradclip/layers_after/__b___ odd" in names
    times = [time for _, _, time in found["gradclip/loss"]]
    assert times == sorted(times)
    check([{name: found[name][i][1] for name in names} for i in range(4)])


def test_mlflow_that_refuses_is_switched_off(tmp_path):
    pytest.importorskip("mlflow")
    program = """
        import warnings
        import mlflow
        mlflow.set_tracking_uri(f"file:{folder}/mlruns")
        with mlflow.start_run() as active, warnings.catch_warnings(record=True) as said:
            mlflow.MlflowClient().delete_run(active.info.run_id)
            record(sinks.MLflow(every=3))
            mlflow.MlflowClient().restore_run(active.info.run_id)
        print(json.dumps([str(one.message) for one in said if "MLflow" in str(one.message)]))
    """
    (message,) = run(tmp_path, program, **MLFLOW)
    assert message.startswith("MLflow is switched off: ")
    assert message.endswith("goes on.")


def rows_of(path):
    """Return the rows of W&B's file: records of its protocol in LevelDB's log format."""
    from wandb.proto import wandb_internal_pb2  # noqa: PLC0415 - only where it is installed

    data, place, record = path.read_bytes(), 7, b""
    while place + 7 <= len(data):
        if 32768 - place % 32768 < 7:  # no head fits the rest of a block
            place += 32768 - place % 32768
            continue
        length, kind = struct.unpack_from("<HB", data, place + 4)
        record += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in {1, 4}:  # whole, or the last part
            history = wandb_internal_pb2.Record.FromString(record).history
            record = b""
            if history.item:
                keys = ("/".join(item.nested_key) or item.key for item in history.item)
                values = (json.loads(item.value_json) for item in history.item)
                yield dict(zip(keys, values, strict=True))


WANDB = """
    import wandb
    refused = refusal(sinks.WandB())
    active = wandb.init(project="p", dir=folder)
    wandb.log({{"theirs": 1.0}}{step})
    record(sinks.WandB(every=3{options}))
    wandb.log({{"theirs": 2.0}}{next})
    wandb.finish()
    wandb.teardown()
    print()
    print(json.dumps([refused, active.id]))
"""


def wandb_rows(folder, step="", options="", then=""):
    pytest.importorskip("wandb")
    program = WANDB.format(step=step, options=options, next=then)
    refused, name = run(folder, program, WANDB_MODE="offline", WANDB_SILENT="true")
    assert "call wandb.init(...) first" in refused
    return list(rows_of(next(folder.glob(f"wandb/offline-run-*/run-{name}.wandb"))))


def test_wandb_has_the_steps_in_its_active_run(tmp_path):
    rows = wandb_rows(tmp_path)
    assert [row["theirs"] for row in rows if "theirs" in row] == [1.0, 2.0]
    ours = [row for row in rows if "gradclip/step" in row]
    assert [row["gradclip/step"] for row in ours] == [0, 3, 6, 9]
    check(ours)


def test_wandb_takes_no_step_from_a_program_that_counts_itself(tmp_path):
    rows = wandb_rows(tmp_path, step=", step=0", options=", commit=False", then=", step=1")
    assert [row["theirs"] for row in rows if "theirs" in row] == [1.0, 2.0]
    assert [row["gradclip/step"] for row in rows if "gradclip/step" in row] == [9]

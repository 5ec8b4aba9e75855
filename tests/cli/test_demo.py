"""Tests of `gradclip demo`, run as a user runs it."""

import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest
from tests.cli.conftest import COMMAND, SMALL, environment, gradclip

from gradclip.cli.demo import VARIANTS, demo
from gradclip.record import read_run

FRAMEWORKS = ("torch", "tensorflow", "jax", "keras")


def test_the_options_are_frozen():
    assert [parameter.opts[0] for parameter in demo.params] == [
        *(
            "--task",
            "--length",
            "--framework",
            "--epochs",
            "--steps",
            "--batch-size",
            "--lr",
            "--optimizer",
        ),
        *("--hidden", "--depth", "--activation", "--init", "--loss", "--input-scale"),
        *("--clip", "--clipper", "--seed", "--data", "--out", "--compare"),
    ]
    assert list(VARIANTS) == ["clip", "no-clip", "native"]


def test_a_demo_leaves_a_run_and_a_report(request):
    done, folder = request.getfixturevalue("demo")
    assert (done.returncode, done.stderr) == (0, "")
    run = read_run(folder)
    assert run.status == "finished"
    assert run.steps.tolist() == [0, 1, 2]
    assert run.metadata.program == "gradclip demo"
    assert run.metadata.arguments["hidden"] == [8, 6]
    assert 0 < run.summary["test_accuracy"] < 1
    assert (folder / "report.html").stat().st_size < 2_000_000


def test_the_first_step_s_norms_and_the_places_are_printed(request):
    done, folder = request.getfixturevalue("demo")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert [line.split()[0] for line in lines[4:10]] == ["w1", "b1", "w2", "b2", "w3", "b3"]
    assert "test accuracy" in done.stdout
    assert "w1 / w3, first → last step" in done.stdout
    assert lines[-4:] == [
        f"run    {folder}",
        f"report {folder / 'report.html'}",
        f"watch  gradclip watch {folder}",
        f"serve  gradclip serve {folder.parent}",
    ]


def test_plain_output_has_no_control_codes(request):
    done, _ = request.getfixturevalue("demo")
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", done.stdout)


def test_a_comparison_starts_from_the_same_weights_and_batches(comparison):
    done, folder = comparison
    assert (done.returncode, done.stderr) == (0, "")
    clipped, free = (read_run(folder / "runs" / "demo-1" / name) for name in ("clip", "no-clip"))
    assert clipped.metadata.policy == "global-norm=15"
    assert free.metadata.policy is None
    assert free.metadata.arguments["clip"] == "none"
    assert clipped.norms_before[0].tolist() == free.norms_before[0].tolist()
    assert (free.norms_before == free.norms_after).all()
    page = (folder / "runs" / "demo-1" / "report.html").read_text(encoding="utf-8")
    assert "<title>clip and no-clip compared" in page


def test_the_next_run_without_out_gets_the_next_number(comparison):
    _, folder = comparison
    assert gradclip("demo", *SMALL, cwd=folder).returncode == 0
    assert read_run(folder / "runs" / "demo-2").status == "finished"


def test_a_folder_in_use_is_refused_before_any_work(request):
    _, folder = request.getfixturevalue("demo")
    done = gradclip("demo", *SMALL, "--out", folder)
    assert done.returncode == 1
    assert "must go into a new or empty folder" in done.stderr
    assert "--out" in done.stderr


def test_ctrl_c_leaves_a_complete_run_and_says_where(tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [*COMMAND, "demo", "--framework", "numpy", "--epochs", "1000", "--out", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(),
    )
    with process:
        head = iter(process.stdout.readline, "")
        assert any(line.startswith("step 0") for line in head)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    run = read_run(folder)
    assert run.status == "interrupted"
    assert len(run.steps) == run.summary["steps"] >= 1
    assert (folder / "report.html").exists()
    assert f"report {folder / 'report.html'}" in output


@pytest.mark.parametrize("color", [True, False])
def test_a_narrow_terminal_gets_a_progress_bar(tmp_path, color):
    changes = {"TERM": "xterm-256color", "COLUMNS": "60", **({} if color else {"NO_COLOR": "1"})}
    reader, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "demo", *SMALL, "--out", tmp_path / "run"],
        stdout=terminal,
        stderr=terminal,
        env=environment(**changes),
    )
    os.close(terminal)
    with process, os.fdopen(reader, "rb") as file:
        screen = _read_until_closed(file).decode()
    assert process.returncode == 0
    assert "3/3" in screen
    assert bool(re.search(r"\x1b\[[\d;]*3\dm", screen)) is color
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", screen)
    assert max(len(line) for line in re.split(r"[\r\n]+", plain) if str(tmp_path) not in line) <= 60


def _read_until_closed(file):
    """Return what a terminal showed; Linux says EIO at its end."""
    chunks = []
    try:
        while chunk := file.read1(65536):
            chunks.append(chunk)
    except OSError:
        pass
    return b"".join(chunks)


def test_an_output_that_knows_ascii_alone_is_no_failure(tmp_path):
    done = gradclip("demo", *SMALL, "--out", tmp_path / "run", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "###" in done.stdout


def test_a_diverging_run_is_kept_and_its_failure_told(tmp_path):
    done = gradclip("demo", *SMALL, "--steps", "40", "--lr", "1e30", "--out", tmp_path / "run")
    assert done.returncode == 1
    assert "were not finite" in done.stderr
    assert read_run(tmp_path / "run").status == "failed"
    assert (tmp_path / "run" / "report.html").exists()


def test_a_framework_that_is_not_installed_names_the_line_that_installs_it(tmp_path):
    code, out = f"import sys; sys.modules['jax'] = None; {COMMAND[2]}", tmp_path / "run"
    done = subprocess.run(
        # Before the data are looked for: they may have to be downloaded.
        [sys.executable, "-c", code, "demo", "--framework=jax", "--data=none", "--out", out],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].strip() == 'pip install "gradclip[jax]"'
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_data_are_looked_for_where_the_environment_says(tmp_path):
    done = gradclip("demo", *SMALL, "--out", tmp_path / "run", GRADCLIP_DATA=str(tmp_path))
    assert done.returncode == 1
    assert f"{tmp_path} lacks train-images-idx3-ubyte.gz" in done.stderr


def test_native_clipping_without_one_is_refused(tmp_path):
    done = gradclip("demo", *SMALL, "--compare", "clip,native", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert "NumPy has no clipping of its own" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "framework",
    [pytest.param(name, marks=getattr(pytest.mark, name)) for name in FRAMEWORKS],
)
def test_every_framework_starts_without_noise(framework, tmp_path):
    pytest.importorskip(framework)
    done = gradclip("demo", *SMALL, "--framework", framework, "--out", tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["framework"]["name"] == framework

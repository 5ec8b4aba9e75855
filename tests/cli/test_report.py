"""Tests of `gradclip report`."""

import json
import os
import signal
import subprocess

from tests.cli.conftest import COMMAND, gradclip

from gradclip.cli.report import report


def test_the_options_are_frozen():
    assert [parameter.opts[0] for parameter in report.params] == ["runs", "--out", "--format"]


def test_a_run_s_page_is_made_again(demo):
    _, folder = demo
    first = (folder / "report.html").read_text(encoding="utf-8")
    (folder / "report.html").unlink()
    done = gradclip("report", folder)
    assert done.stdout == f"{folder / 'report.html'}\n"
    assert (folder / "report.html").read_text(encoding="utf-8") == first


def test_a_folder_of_runs_is_a_comparison(comparison, tmp_path):
    _, folder = comparison
    done = gradclip("report", folder / "runs" / "demo-1", "--out", tmp_path / "page.html")
    assert done.returncode == 0
    assert "clip and no-clip compared" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_several_runs_go_into_a_page_of_their_own(demo, comparison, tmp_path):
    folders = [demo[1], comparison[1] / "runs" / "demo-1" / "clip", demo[1]]
    done = gradclip("report", *folders, cwd=tmp_path)
    assert done.stdout == "report.html\n"
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "run, clip and run (2) compared" in page


def test_other_formats_are_printed_or_written(demo, tmp_path):
    _, folder = demo
    assert json.loads(gradclip("report", folder, "--format", "json").stdout)["schema"] == 1
    assert gradclip("report", folder, "--format", "md").stdout.startswith("# ")
    done = gradclip("report", folder, "--format", "text", "--out", tmp_path / "report.txt")
    assert done.stdout == f"{tmp_path / 'report.txt'}\n"
    assert "Clipping by global-norm=15" in (tmp_path / "report.txt").read_text()


def test_a_folder_without_a_run_is_one_message(tmp_path):
    done = gradclip("report", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: There is no run in {tmp_path}")
    assert "Traceback" not in done.stderr


def test_ctrl_c_while_a_run_is_read_is_no_traceback(tmp_path):
    os.mkfifo(tmp_path / "run.json")
    process = subprocess.Popen(
        [*COMMAND, "report", tmp_path], stderr=subprocess.PIPE, encoding="utf-8"
    )
    with process, (tmp_path / "run.json").open("w"):  # opens once the command reads
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
    assert (process.returncode, errors) == (130, "Interrupted.\n")

"""Tests of `gradclip export`."""

import json
import shutil

import pytest
from tests.cli.conftest import gradclip

from gradclip.cli.export import export


@pytest.fixture
def run(demo, tmp_path):
    """Return a copy of a small demo's run."""
    return shutil.copytree(demo[1], tmp_path / "run")


def test_the_options_are_frozen():
    assert [p.opts[0] for p in export.params] == ["run", "--to", "--out", "--rank", "--every"]


def test_a_run_becomes_csv_in_its_own_folder(run):
    done = gradclip("export", run, "--to", "csv")
    names = ["steps.csv", "tensors.csv", "updates.csv", "run.json"]
    assert done.stdout.splitlines() == [str(run / "csv" / name) for name in names]
    assert len((run / "csv" / "steps.csv").read_text().splitlines()) == 4
    assert len((run / "csv" / "tensors.csv").read_text().splitlines()) == 1 + 3 * 6


def test_a_run_becomes_json_where_it_is_asked_for(run, tmp_path):
    out = tmp_path / "other" / "mine.json"
    assert gradclip("export", run, "--to", "json", "--out", out).stdout == f"{out}\n"
    assert [step["step"] for step in json.loads(out.read_text())["steps"]] == [0, 1, 2]


def test_a_run_becomes_parquet(run):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert gradclip("export", run, "--to", "parquet").returncode == 0
    assert parquet.read_table(run / "parquet" / "steps.parquet").num_rows == 3


def test_a_run_is_replayed_for_tensorboard(run, tmp_path):
    pytest.importorskip("tensorboard")
    out = tmp_path / "logs"
    assert gradclip("export", run, "--to", "tensorboard", "--out", out).stdout == f"{out}\n"
    assert len(list(out.glob("events.out.tfevents.*"))) == 1


def test_an_unknown_form_and_a_missing_run_are_one_message(tmp_path):
    done = gradclip("export", tmp_path, "--to", "xlsx")
    assert done.returncode == 2
    assert "'parquet', 'csv', 'json', 'tensorboard'" in done.stderr
    done = gradclip("export", tmp_path / "nowhere", "--to", "csv")
    assert done.returncode == 1
    assert "There is no run" in done.stderr

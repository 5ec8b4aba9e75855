"""Tests of exports: whatever a run holds comes back from each form."""

import csv
import json
import math
import subprocess
import sys

import numpy as np
import pytest

from gradclip.errors import ConfigurationError, RunError
from gradclip.record import Metadata, Parameter, RunWriter, StepRecord, open_run, read_run
from gradclip.record.encoding import decode
from gradclip.record.export import export_run, frame
from gradclip.record.export.slices import slices

NAMES = ["plain", 'comma, "quotes"', "new\nline\r", "gewichte.ü.重み", "NaN", ""]
FORMS = ["parquet", "csv", "json"]
STEPS = ("time", "loss", "accuracy", "learning_rate", "global_norm_before", "global_norm_after")
TENSORS = ("norm_before", "norm_after", "largest", "nonfinite", "zeros")

FIELDS = {"norm_before": "norms_before", "norm_after": "norms_after"}


def described(names):
    return Metadata(
        program="p",
        framework="numpy",
        framework_version="2",
        gradclip="0",
        python="3",
        parameters=tuple(Parameter(name, (2,)) for name in names),
        policy="global-norm=1",
    )


def record(step, dtype, num_parameters, *, statistics=True):
    rng = np.random.default_rng(step)
    norms = rng.lognormal(size=num_parameters).astype(dtype)
    if num_parameters:
        norms[step % num_parameters] = [np.nan, np.inf, 0.0][step % 3]
    found = {}
    if statistics:
        counts = np.arange(num_parameters) + 2**40
        found = {"largest": norms / 3, "nonfinite": counts, "zeros": counts + step}
    if step % 3 == 0:
        found |= {"weight_norms": norms * 2, "update_norms": norms / 7}
    return StepRecord(
        step=2 * step,
        time=0.1 * step,
        loss=[math.nan, -math.inf, 0.1][step % 3],
        learning_rate=1e-3,
        global_norm_before=[1e300, math.inf, math.nan][step % 3],
        global_norm_after=1.0,
        limit=None if step % 2 else 1.0,
        scale=1 / 3,
        skipped=step % 4 == 1,
        norms_before=norms,
        norms_after=norms / 2,
        lost=step % 2,
        **found,
    )


def written(folder, *, steps=9, names=NAMES, dtype=np.float32, statistics=True):
    with RunWriter(folder, described(names)) as writer:
        for step in range(steps):
            writer.write(record(step, dtype, len(names), statistics=statistics))
    return read_run(folder)


def number(text):
    return math.nan if text == "" else float(text)


def from_csv(folder):
    tables = {}
    for name in ("steps", "tensors", "updates"):
        with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        header = (folder / f"{name}.csv").read_text("utf-8").splitlines()[0].split(",")
        tables[name] = {column: [row[column] for row in rows] for column in header}
    for table in tables.values():
        for column, values in table.items():
            if column == "skipped":
                table[column] = [value == "True" for value in values]
            elif column != "parameter":
                table[column] = [number(value) for value in values]
    return tables


def from_parquet(folder):
    parquet = pytest.importorskip("pyarrow.parquet")
    tables = {}
    for name in ("steps", "tensors", "updates"):
        columns = parquet.read_table(folder / f"{name}.parquet").to_pydict()
        tables[name] = {n: [math.nan if v is None else v for v in c] for n, c in columns.items()}
    return tables


def from_json(path):
    content = json.loads(path.read_text("utf-8"))
    assert content["form"] == 1
    names = [p["name"] for p in content["run"]["parameters"]]
    steps = decode(content["steps"])
    none = [None] * len(names)
    table = {name: [s[name] for s in steps] for name in (*STEPS, "step", "limit", "scale")}
    table |= {"skipped": [s["skipped"] for s in steps], "lost": [s["lost"] for s in steps]}
    tensors = {
        column: [v for s in steps for v in (s[FIELDS.get(column, column)] or none)]
        for column in TENSORS
    }
    tensors["parameter"] = names * len(steps)
    measured = [s for s in steps if s["weight_norms"] is not None]
    updates = {
        column: [v for s in measured for v in s[f"{column}s"]]
        for column in ("weight_norm", "update_norm")
    }
    tables = {"steps": table, "tensors": tensors, "updates": updates}
    return {
        name: {n: [math.nan if v is None else v for v in c] for n, c in columns.items()}
        for name, columns in tables.items()
    }


def exported(run, folder, form):
    out = folder / "out.json" if form == "json" else folder / form
    export_run(run, out, form)
    return {"csv": from_csv, "parquet": from_parquet, "json": from_json}[form](out)


def needs_pyarrow(form):
    if form == "parquet":
        pytest.importorskip("pyarrow")


def check(tables, run):
    for name in (*STEPS, "limit", "scale", "skipped", "lost"):
        np.testing.assert_array_equal(tables["steps"][name], getattr(run, name), name)
    np.testing.assert_array_equal(tables["steps"]["step"], run.steps)
    shape = run.norms_before.shape
    for column in TENSORS:
        expected = getattr(run, FIELDS.get(column, column))
        expected = np.full(shape, np.nan) if expected is None else expected
        found = np.array(tables["tensors"][column], dtype=float)
        np.testing.assert_array_equal(found, expected.ravel(), column)
    names = [p.name for p in run.metadata.parameters]
    assert tables["tensors"]["parameter"] == names * len(run.steps)
    if run.updates is not None:
        for column in ("weight_norm", "update_norm"):
            expected = getattr(run.updates, f"{column}s").ravel()
            np.testing.assert_array_equal(tables["updates"][column], expected, column)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_number_comes_back(tmp_path, form, dtype):
    needs_pyarrow(form)
    run = written(tmp_path / "run", dtype=dtype)
    check(exported(tmp_path / "run", tmp_path, form), run)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("steps", "names"), [(0, NAMES), (3, []), (0, []), (1, ["w"])])
def test_runs_without_steps_or_parameters_are_exported(tmp_path, form, steps, names):
    needs_pyarrow(form)
    run = written(tmp_path / "run", steps=steps, names=names)
    check(exported(tmp_path / "run", tmp_path, form), run)


@pytest.mark.parametrize("form", FORMS)
def test_what_nobody_counted_is_unknown(tmp_path, form):
    needs_pyarrow(form)
    run = written(tmp_path / "run", statistics=False)
    tables = exported(run, tmp_path, form)
    check(tables, run)
    assert np.isnan(tables["tensors"]["zeros"]).all()


@pytest.mark.parametrize("form", FORMS)
def test_a_run_that_is_read_in_parts_is_the_same(tmp_path, form, monkeypatch):
    needs_pyarrow(form)
    run = written(tmp_path / "run", steps=50)
    monkeypatch.setattr(
        "gradclip.record.export.export._NUM_VALUES", dict.fromkeys(FORMS, 4 * len(NAMES))
    )
    check(exported(tmp_path / "run", tmp_path, form), run)
    check(exported(run, tmp_path, form), run)


def test_parts_are_of_as_many_steps_as_asked_for(tmp_path):
    written(tmp_path / "run", steps=10)
    assert [len(p.steps) for p in slices(tmp_path / "run", 4 * len(NAMES))] == [4, 4, 2]
    assert [len(p.steps) for p in slices(read_run(tmp_path / "run"), 1)] == [1] * 10


def test_a_resumed_run_is_exported_as_it_stands(tmp_path):
    written(tmp_path / "run", steps=10)
    with RunWriter(tmp_path / "run", described(NAMES), resume=True) as writer:
        writer.write(*(record(step, np.float32, len(NAMES)) for step in range(5, 8)))
    check(exported(tmp_path / "run", tmp_path, "csv"), read_run(tmp_path / "run"))


def test_the_description_is_beside_the_tables_or_in_them(tmp_path):
    written(tmp_path / "run")
    expected = json.loads((tmp_path / "run" / "run.json").read_text())
    export_run(tmp_path / "run", tmp_path / "csv", "csv")
    assert json.loads((tmp_path / "csv" / "run.json").read_text()) == expected
    export_run(tmp_path / "run", tmp_path / "run.json", "json")
    assert json.loads((tmp_path / "run.json").read_text())["run"] == expected
    parquet = pytest.importorskip("pyarrow.parquet")
    export_run(tmp_path / "run", tmp_path / "parquet", "parquet")
    for table in ("steps", "tensors", "updates"):
        schema = parquet.read_schema(tmp_path / "parquet" / f"{table}.parquet")
        assert json.loads(schema.metadata[b"gradclip.run"]) == expected


def test_pandas_reads_the_csv(tmp_path):
    pandas = pytest.importorskip("pandas")
    run = written(tmp_path / "run")
    export_run(run, tmp_path, "csv")
    read = pandas.read_csv(tmp_path / "tensors.csv", keep_default_na=False, na_values=["nan"])
    np.testing.assert_array_equal(read["norm_before"], run.norms_before.ravel())
    assert read["parameter"][: len(NAMES)].tolist() == NAMES


def test_a_rank_of_its_own_is_exported(tmp_path):
    written(tmp_path / "run", steps=2)
    with RunWriter(tmp_path / "run", described(NAMES), rank=1) as writer:
        writer.write(record(7, np.float32, len(NAMES)))
    export_run(tmp_path / "run", tmp_path, "csv", rank=1)
    assert from_csv(tmp_path)["steps"]["step"] == [14]


def test_lines_of_schema_1_are_exported(tmp_path):
    written(tmp_path / "run", steps=0, names=["w"])
    description = json.loads((tmp_path / "run" / "run.json").read_text()) | {"schema": 1}
    (tmp_path / "run" / "run.json").write_text(json.dumps(description))
    line = {
        "step": 0, "time": 0.0, "loss": "NaN", "accuracy": None, "learning_rate": 0.1,
        "global_norm_before": 5.0, "global_norm_after": 1.0, "limit": 1.0, "scale": 0.2,
        "skipped": False, "norms_before": [5.0], "norms_after": [1.0],
    }  # fmt: skip
    (tmp_path / "run" / "steps.jsonl").write_text(json.dumps(line) + "\n")
    check(exported(tmp_path / "run", tmp_path, "csv"), read_run(tmp_path / "run"))


def test_nothing_is_left_of_an_export_that_fails(tmp_path):
    written(tmp_path / "run", steps=50)
    data = (tmp_path / "run" / "run.json").read_text()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "updates.csv").mkdir()  # which no file can replace
    with pytest.raises(RunError, match="cannot be written"):
        export_run(tmp_path / "run", tmp_path / "out", "csv")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["updates.csv"]
    assert (tmp_path / "run" / "run.json").read_text() == data


def test_an_unknown_form_and_a_missing_run_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="parquet, csv, json"):
        export_run(tmp_path, tmp_path, "xlsx")
    with pytest.raises(RunError, match="There is no run"):
        export_run(tmp_path / "nowhere", tmp_path / "out", "csv")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("library", "call", "install"),
    [
        ("pyarrow", "export_run(run, sys.argv[1] + '/out', 'parquet')", "gradclip[export]"),
        ("pandas", "frame(run)", "pandas"),
    ],
)
def test_a_missing_library_is_named_with_what_installs_it(tmp_path, library, call, install):
    written(tmp_path / "run", steps=1)
    code = (
        f"import sys; sys.modules['{library}'] = None; from gradclip.record import read_run;"
        "from gradclip.record.export import export_run, frame;"
        f"run = read_run(sys.argv[1] + '/run'); {call}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert f"This needs {library}: pip install '{install}'" in done.stderr


def test_a_frame_has_the_columns_of_the_table(tmp_path):
    pandas = pytest.importorskip("pandas")
    run = written(tmp_path / "run")
    steps, tensors, updates = (frame(run, table) for table in ("steps", "tensors", "updates"))
    np.testing.assert_array_equal(steps["loss"], run.loss)
    assert steps["step"].tolist() == run.steps.tolist()
    by_name = tensors[tensors["parameter"] == NAMES[1]]
    np.testing.assert_array_equal(by_name["norm_before"], run.norms_before[:, 1])
    assert tensors["zeros"].tolist() == run.zeros.ravel().astype(int).tolist()
    np.testing.assert_array_equal(updates["weight_norm"], run.updates.weight_norms.ravel())
    without = frame(written(tmp_path / "other", statistics=False), "tensors")
    assert without["zeros"].isna().all()
    assert isinstance(without, pandas.DataFrame)
    with pytest.raises(ConfigurationError, match="steps, tensors, updates"):
        frame(run, "layers")


def test_a_tensor_may_be_called_nan(tmp_path):
    run = written(tmp_path / "run")
    assert [p.name for p in run.metadata.parameters] == NAMES
    assert open_run(tmp_path / "run").metadata == run.metadata

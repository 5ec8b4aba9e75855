"""A small piece of each part is measured for real and shown; the page is that of the results."""

import json
import math

import pytest
from benchmarks.speed import accuracy, functions, growth, page, plots, steps, store
from benchmarks.speed.contenders.case import CASES
from benchmarks.speed.limit import LIMIT
from benchmarks.speed.shapes import TINY

pytestmark = [pytest.mark.torch, pytest.mark.trainers]
FRAMEWORKS = [
    pytest.param("torch", "torch clip_grad_norm_"),
    pytest.param("numpy", "a loop: sum of squares, multiply"),
    pytest.param("jax", "optax.clip_by_global_norm", marks=pytest.mark.jax),
    pytest.param("tensorflow", "tf.clip_by_global_norm", marks=pytest.mark.tensorflow),
]


def timed(row):
    """Tell whether a row has a time and a ratio, with quartiles in order."""
    spreads = (row["milliseconds"], row["ratio"])
    return all(0 < low <= median <= high for median, low, high in spreads) and row["rounds"] > 1


@pytest.mark.long
@pytest.mark.parametrize(("framework", "base"), FRAMEWORKS)
def test_functions_of_a_framework_are_timed_in_both_cases(framework, base):
    rows = list(functions.measure((framework,), (TINY,), threads=1, seconds=0.01))
    assert all(map(timed, rows))
    for case in CASES:
        names = [row["name"] for row in rows if row["case"] == case]
        assert names[0] == base
        assert LIMIT in names
        assert any(name.startswith("gradclip") for name in names)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return the results of a small piece of each part, stored and read again."""
    path = tmp_path_factory.mktemp("speed") / "speed.json"
    parts = {
        "functions": functions.measure(("torch",), (TINY,), threads=1, seconds=0.01),
        "steps": steps.measure(("fused AdamW, tiny", "MLP"), threads=1, seconds=0.01),
        "growth": growth.measure((10,), (10_000,), threads=1, seconds=0.01),
        "accuracy": accuracy.measure((1000, 1_000_000), threads=1),
    }
    for part, rows in parts.items():
        store.keep(part, rows, path)
    return store.read(path)


@pytest.mark.long
def test_steps_are_compared_with_a_step_without_clipping(results):
    rows = results["steps"]
    assert all(map(timed, rows))
    bases = [row for row in rows if row["name"] == "no clipping"]
    assert [row["ratio"] for row in bases] == [[1, 1, 1]] * 4


@pytest.mark.long
def test_growth_has_times_and_memory_of_each_size(results):
    rows = results["growth"]
    assert all(map(timed, rows))
    assert {(row["axis"], row["size"]) for row in rows} == {
        ("tensors", 10), ("entries", 10_000),
    }  # fmt: skip
    assert all(row["extra_bytes"] >= 0 for row in rows)


@pytest.mark.long
def test_accuracy_keeps_the_promise(results):
    errors = [row["error"] for row in results["accuracy"] if row["name"].startswith("gradclip")]
    assert len(errors) == 4
    assert max(errors) < 1e-6


def test_memory_that_a_call_needs_is_seen(monkeypatch):
    def wasteful(parameters):
        return {"": lambda: [bytearray(2**26) for _ in parameters[:1]]}

    monkeypatch.setattr(growth, "_runs", wasteful)
    assert growth.extra_bytes("tensors", 10, "") == pytest.approx(2**26, rel=0.1)


@pytest.mark.long
def test_what_is_measured_again_takes_the_place_of_the_old(results, tmp_path):
    path = tmp_path / "speed.json"
    old = [{"framework": f, "network": TINY, "threads": 1, "name": "old"} for f in ("jax", "numpy")]
    store.keep("functions", old, path)
    store.keep("functions", [{**old[0], "name": "new"}], path)
    assert [row["name"] for row in store.read(path)["functions"]] == ["old", "new"]


@pytest.mark.long
def test_page_tables_and_plots_are_written(results, tmp_path):
    files = plots.write_plots(results, tmp_path)
    assert [file.name for file in files] == [
        "speed-torch.svg", "speed-steps.svg", "speed-growth.svg",
    ]  # fmt: skip
    assert all("</svg>" in file.read_text() for file in files)
    page.write_page(results, tmp_path / "page.md", tmp_path / "tables.md")
    text = (tmp_path / "page.md").read_text()
    assert all(f"(assets/{file.name})" in text for file in files)
    rows = len(results["functions"]) + len(results["steps"])
    tables = (tmp_path / "tables.md").read_text().splitlines()
    assert sum(" to " in line for line in tables if line.startswith("|")) == rows + 2


def test_the_committed_page_is_made_of_the_committed_results():
    stored = store.read()
    assert page.render(stored) == page.PAGE.read_text()
    assert page.render_tables(stored) == page.TABLES.read_text()


def test_the_committed_results_are_of_numbers():
    rows = [row for part in store.PARTS for row in json.loads(store.STORE.read_text())[part]]
    assert all(math.isfinite(row.get("error", row.get("ratio", [0])[0])) for row in rows)

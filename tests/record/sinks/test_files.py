"""Tests of the sinks that write plain files: JSON lines and Prometheus' text."""

import json

import pytest

from gradclip.record.encoding import decode
from gradclip.record.sinks import JsonLines, Prometheus


def test_each_chosen_step_is_a_line(tmp_path, record):
    run = record(JsonLines(tmp_path / "logs" / "steps.jsonl", every=3))
    lines = (tmp_path / "logs" / "steps.jsonl").read_text().splitlines()
    found = [decode(json.loads(line)) for line in lines]
    assert [line["step"] for line in found] == [0, 3, 6, 9]
    assert [line["time"] for line in found] == run.time[::3].tolist()
    assert found[0]["gradclip/global_norm_before"] == run.global_norm_before[0]
    assert found[1]["gradclip/skipped"] == 1
    assert str(found[1]["gradclip/global_norm_before"]) == "nan"
    assert found[3]["gradclip/layers_before/layers.0.weight"] == run.norms_before[9, 0]


def families(path):
    """Return the samples of a file by name, as Prometheus' own parser reads them."""
    parser = pytest.importorskip("prometheus_client.parser")
    found = parser.text_string_to_metric_families(path.read_text())
    return {f.name: {tuple(s.labels.values()): s.value for s in f.samples} for f in found}


def test_prometheus_reads_the_newest_step(tmp_path, record):
    names = ["layers.0.weight", 'odd "name"\n\\']
    run = record(Prometheus(tmp_path / "gradclip.prom", run='a "run"', every=3), names=names)
    found = families(tmp_path / "gradclip.prom")
    assert found["gradclip_step"] == {('a "run"',): 9.0}
    assert found["gradclip_global_norm_before"] == {('a "run"',): run.global_norm_before[9]}
    expected = {('a "run"', name): run.norms_before[9, i] for i, name in enumerate(names)}
    assert found["gradclip_layer_norm_before"] == expected
    assert [p.name for p in tmp_path.glob("*gradclip.prom*")] == ["gradclip.prom"]


def test_prometheus_is_told_of_nan(tmp_path, record):
    record(Prometheus(tmp_path / "gradclip.prom", every=1), steps=4)
    found = families(tmp_path / "gradclip.prom")
    assert str(found["gradclip_global_norm_before"][("program",)]) == "nan"
    assert found["gradclip_skipped"] == {("program",): 1.0}

"""Measures everything in turn, and writes it as it comes."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import triton

import gradclip
from benchmarks.gpu.clips import clips, steps
from benchmarks.gpu.clock import Row, measure
from benchmarks.gpu.lists import LISTS, TINY, Case, cases
from benchmarks.gpu.roofline import roofline
from gradclip.kernels import cuda

_FOLDED = ("GPT-2", "tiny, float32")  # the lists whose optimizer's steps are measured
_ERROR = 1e-6


def run(*, smoke: bool, seconds: float, folder: Path) -> None:
    """Measure, and write `gpu-DEVICE.json` and `gpu-DEVICE.md` into a folder.

    Raises:
        SystemExit: The kernels cannot run, or a norm is wrong.
    """
    if not cuda.available():
        msg = f"not run: {cuda.describe()}"
        raise SystemExit(msg)
    device = torch.device("cpu" if smoke else "cuda")
    name = "smoke" if smoke else torch.cuda.get_device_name()
    seconds = 0.0 if smoke else seconds
    place = f"{name}, torch {torch.__version__}, triton {triton.__version__}, {cuda.describe()}"
    tables: dict[str, list[dict[str, Any]]] = {}
    file = folder / f"gpu-{re.sub('[^a-z0-9]+', '-', name.lower())}"
    for title, rows in _tables(device, TINY if smoke else LISTS, seconds):
        print(title, *rows, sep="\n  ", flush=True)
        tables[title] = rows
        file.with_suffix(".json").write_text(json.dumps({"place": place, "tables": tables}) + "\n")
        file.with_suffix(".md").write_text("".join(_page(place, tables)))


def _tables(
    device: torch.device, lists: Any, seconds: float
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield titles and rows."""
    rate, rows = roofline(device, seconds)
    yield f"Reading: {rate / 1e12:.3f} TB/s", [_row(row) for row in rows]
    for case in cases(lists, device):
        yield f"Right: {case.name}", [_accuracy(case)]
        for label, clipping in (("nothing to clip", False), ("clipping", True)):
            timed = measure(clips(case, clipping=clipping), seconds=seconds, device=device)
            yield f"{case.name}, {label}", [_row(row, case.bytes / rate) for row in timed]
        if case.name.startswith(_FOLDED):
            timed = measure(steps(case), seconds=2 * seconds, device=device)
            yield f"{case.name}, fused AdamW", [_row(row) for row in timed]


def _accuracy(case: Case) -> dict[str, Any]:
    """Return the errors of norms against float64.

    Raises:
        SystemExit: gradclip's is wrong.
    """
    case.restore()
    exact = math.hypot(*(float(torch.linalg.vector_norm(g.double())) for g in case.gradients))
    ours = float(gradclip.torch.clip_grad_norm_(case.parameters, math.inf))
    theirs = float(torch.nn.utils.get_total_norm(case.gradients, foreach=True))
    error = abs(ours / exact - 1)
    if not error <= _ERROR:
        msg = f"{case.name}: the norm must be {exact}, got {ours}."
        raise SystemExit(msg)
    return {"name": "relative error", "gradclip": error, "torch": abs(theirs / exact - 1)}


def _row(row: Row, least_seconds: float = 0.0) -> dict[str, Any]:
    return {
        "name": row.name,
        "ms": [*row.milliseconds],
        "ratio": [*row.ratio],
        "host_us": row.host_microseconds,
        "of_roofline": 1e3 * least_seconds / row.milliseconds.median,
    }


def _page(place: str, tables: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    yield "# Clipping on a GPU\n\nWritten by `python -m benchmarks.gpu`. Medians, quartiles in "
    yield f"brackets.\n\n{place}\n"
    for title, rows in tables.items():
        yield f"\n## {title}\n\n"
        if "ms" not in rows[0]:
            yield f"gradclip {rows[0]['gradclip']:.1e}, torch {rows[0]['torch']:.1e}\n"
            continue
        yield "| | ms | ratio to the first | host, us | of the roofline |\n"
        yield "| --- | ---: | ---: | ---: | ---: |\n"
        for row in rows:
            roof = f"{row['of_roofline']:.0%}" if row["of_roofline"] else ""
            yield f"| {row['name']} | {_words(row['ms'])} | {_words(row['ratio'])} | "
            yield f"{row['host_us']:.0f} | {roof} |\n"


def _words(spread: Sequence[float]) -> str:
    return "{:.3g} ({:.3g} to {:.3g})".format(*spread)

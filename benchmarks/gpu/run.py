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
from benchmarks.instrument.overhead import compare
from gradclip.kernels import cuda

_FOLDED = ("GPT-2", "tiny, float32")  # the lists whose optimizer's steps are measured
_ERROR = 1e-6
# Whole programs with and without `gradclip run`: their scripts and how often each is run.
_FOLLOWED = {
    "MLP 784-128-10, 64 a batch": ("torch_mlp.py", 3),
    "GPT of 6 layers": ("torch_gpt.py", 3),
}


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
    if device.type == "cuda":
        yield "Training loops followed by `gradclip run`", [*_followed()]


def _followed() -> Iterator[dict[str, Any]]:
    """Yield what following costs programs on the GPU."""
    for name, (script, repeats) in _FOLLOWED.items():
        for clip in ((), ("--clip",)):
            row = compare(script, ("--cuda", *clip), repeats)
            yield {"name": f"{name}{', which clips' if clip else ''}", **row}


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
        if "loop" in rows[0]:
            yield from _followed_table(rows)
            continue
        if "ms" not in rows[0]:
            yield f"gradclip {rows[0]['gradclip']:.1e}, torch {rows[0]['torch']:.1e}\n"
            continue
        yield "| | ms | ratio to the first | host, us | of the roofline |\n"
        yield "| --- | ---: | ---: | ---: | ---: |\n"
        for row in rows:
            roof = f"{row['of_roofline']:.0%}" if row["of_roofline"] else ""
            yield f"| {row['name']} | {_words(row['ms'])} | {_words(row['ratio'])} | "
            yield f"{row['host_us']:.0f} | {roof} |\n"


def _followed_table(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield "| | a step, ms | added to the loop | last loss the same |\n| --- | ---: | ---: | --- |\n"
    for row in rows:
        low, high = row["loop_quartiles"]
        yield f"| {row['name']} | {row['step_ms']:.3g} | {row['loop']:.1%} "
        yield f"({low:.1%} to {high:.1%}) | {'yes' if row['same'] else 'no'} |\n"


def _words(spread: Sequence[float]) -> str:
    return "{:.3g} ({:.3g} to {:.3g})".format(*spread)

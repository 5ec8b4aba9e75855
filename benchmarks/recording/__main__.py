"""`python -m benchmarks.recording [PART ...]`: measure, and write Markdown and JSON.

Parts are writing, training, following, reading and sending, all by default; what is not measured
again is kept.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.recording import following, reading, sending, training, writing
from benchmarks.recording.page import render
from benchmarks.tables import place, shown

STORE = Path(__file__).parents[1] / "results" / "recording.json"
_QUICK = 10  # times fewer steps
_ROOM = 40e9  # bytes that shall be free for the longest run
_PACKAGES = ("numpy", "pyarrow", "tensorboard", "trackio", "wandb", "mlflow-skinny")
Rows = Iterator[dict[str, Any]]


def main() -> None:
    """Measure the parts that the command line names, one after the other."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recording",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", choices=[[], *_PARTS])
    parser.add_argument("--quick", action="store_true", help="a tenth of the steps, to look at")
    parser.add_argument("--page-only", action="store_true", help="make the page again")
    parser.add_argument("--store", type=Path, default=STORE, help="the JSON file to write to")
    options = parser.parse_args()
    results = json.loads(options.store.read_text()) if options.store.exists() else {"place": {}}
    for part in () if options.page_only else options.parts or _PARTS:
        measured = place(_PACKAGES)
        results[part] = [shown(part, row) for row in _PARTS[part](_QUICK if options.quick else 1)]
        results["place"][part] = measured
        options.store.write_text(json.dumps(results, indent=1) + "\n")
    options.store.with_suffix(".md").write_text(render(results))


def _writing(share: int) -> Rows:
    yield from writing.measure(150, 10_000 // share, repeats=5)
    yield from writing.measure(2000, 10_000 // share, repeats=3)


def _training(share: int) -> Rows:
    for num_tensors in (150, 2000):
        yield from training.measure(num_tensors, 3000 // share)


def _following(share: int) -> Rows:
    yield from following.measure(150, 10.0 / share)


def _sending(share: int) -> Rows:
    yield from sending.measure(100 // share)


def _reading(share: int) -> Rows:
    yield from reading.measure(50, 1_000_000 // share, counts=True, columns=True)
    yield from reading.measure(500, 100_000 // share, counts=True, columns=True)
    # With all statistics it takes 17 GB, and with two norms 5.
    roomy = shutil.disk_usage(tempfile.gettempdir()).free > _ROOM
    yield from reading.measure(500, 1_000_000 // share, counts=roomy, columns=False)


_PARTS: dict[str, Callable[[int], Rows]] = {
    "writing": _writing,
    "training": _training,
    "following": _following,
    "reading": _reading,
    "sending": _sending,
}


if __name__ == "__main__":
    main()

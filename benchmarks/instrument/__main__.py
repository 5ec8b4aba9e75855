"""`python -m benchmarks.instrument [PART ...]`: measure, and write Markdown and JSON.

Parts are startup and overhead, both by default; what is not measured again is kept.
"""

import argparse
import json
from pathlib import Path

from benchmarks.instrument import overhead, startup
from benchmarks.instrument.page import render
from benchmarks.tables import place, shown

STORE = Path(__file__).parents[1] / "results" / "instrument.json"
_PARTS = {"startup": (startup.measure, 15), "overhead": (overhead.measure, 9)}
_PACKAGES = ("torch", "tensorflow-cpu", "keras", "jax", "optax")


def main() -> None:
    """Measure the parts that the command line names, one after the other."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instrument",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", choices=[[], *_PARTS])
    parser.add_argument("--repeats", type=int, help="by default 15 and 9")
    parser.add_argument("--page-only", action="store_true", help="make the page again")
    parser.add_argument("--store", type=Path, default=STORE, help="the JSON file to write to")
    options = parser.parse_args()
    results = json.loads(options.store.read_text()) if options.store.exists() else {"place": {}}
    for part in () if options.page_only else options.parts or _PARTS:
        measure, repeats = _PARTS[part]
        results["place"][part] = place(_PACKAGES)
        results[part] = [shown(part, row) for row in measure(options.repeats or repeats)]
        options.store.write_text(json.dumps(results, indent=1) + "\n")
    options.store.with_suffix(".md").write_text(render(results))


if __name__ == "__main__":
    main()

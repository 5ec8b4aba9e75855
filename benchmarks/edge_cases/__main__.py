"""`python -m benchmarks.edge_cases [FRAMEWORK ...]`: run the cases and write the page.

With frameworks or cases named, only these are run, and the other stored results are kept.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

from benchmarks.edge_cases.cases import CASES
from benchmarks.edge_cases.page import render
from benchmarks.edge_cases.run import FRAMEWORKS, Results, read, run

ROOT = Path(__file__).parents[2]
STORE = ROOT / "benchmarks" / "results" / "edge-cases.json"
PAGE = ROOT / "docs" / "edge-cases.md"
_PACKAGES = ("torch", "tensorflow", "optax", "jax", "keras", "numpy")


def stored() -> tuple[Results, dict[str, str]]:
    """Return the committed results, and the versions that they are of."""
    content = json.loads(STORE.read_text()) if STORE.exists() else {"versions": {}, "results": {}}
    return read(json.dumps(content["results"])), content["versions"]


def main() -> None:
    """Run the frameworks that the command line names, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.edge_cases", description=__doc__)
    parser.add_argument("frameworks", nargs="*", choices=[[], *FRAMEWORKS])
    parser.add_argument("--case", action="append", choices=[case.key for case in CASES])
    parser.add_argument("--page-only", action="store_true", help="make the page again")
    options = parser.parse_args()
    results, versions = stored()
    if options.page_only:
        PAGE.write_text(render(results, versions))
        return
    frameworks = options.frameworks or FRAMEWORKS
    for framework in frameworks:
        for subject, verdicts in run(framework, options.case or ()).items():
            results.setdefault(subject, {}).update(verdicts)
    versions = {name: _version(name) for name in _PACKAGES}
    STORE.write_text(json.dumps({"versions": versions, "results": results}, indent=1) + "\n")
    PAGE.write_text(render(results, versions))


def _version(package: str) -> str:
    """Return a package's version, without the build's label."""
    name = "tensorflow-cpu" if package == "tensorflow" else package
    return version(name).partition("+")[0]


if __name__ == "__main__":
    main()

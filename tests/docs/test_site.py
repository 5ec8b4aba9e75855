"""The site builds without a warning and fetches nothing from elsewhere."""

import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("mkdocs") is None, reason="mkdocs-material is not installed"
    ),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_pages_fetch_nothing_from_elsewhere(site):
    fetched = re.compile(
        r'<(?:script|img|iframe)[^>]* src="?https?:|<link[^>]*stylesheet[^>]*https?:'
    )
    assert [p.name for p in site.rglob("*.html") if fetched.search(p.read_text())] == []


def test_examples_of_the_reference_are_code_and_not_quotations(site):
    pages = list((site / "reference").glob("*.html"))
    assert pages
    assert [page.name for page in pages if "<blockquote>" in page.read_text()] == []


@pytest.mark.parametrize("room", ["torch", "tensorflow", "jax", "optax", "keras", "numpy"])
def test_the_reference_describes_every_public_name_of_a_room(site, room):
    pytest.importorskip(room)
    described = re.compile(r'<h\d id="gradclip\.([\w.]+)" class="doc doc-heading"')
    page, functions = (
        described.findall((site / "reference" / f"{name}.html").read_text())
        for name in (room, "functions")
    )
    names = {name.rpartition(".")[2] for name in page + functions}
    public = set(importlib.import_module(f"gradclip.{room}").__all__)
    assert public - names == set()

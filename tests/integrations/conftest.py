"""What trainers keep for a whole process, fresh for every test."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def accelerate_afresh():
    """Let accelerate forget its state after the test."""
    from accelerate.state import AcceleratorState, GradientState  # noqa: PLC0415 - seconds

    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


@pytest.fixture
def datasets_is_a_folder(monkeypatch):
    """Keep Transformers from taking the checkout's folder datasets/ for the package."""
    from transformers.utils.import_utils import is_datasets_available  # noqa: PLC0415 - seconds

    monkeypatch.setattr(sys, "path", [p for p in sys.path if Path(p).resolve() != ROOT])
    monkeypatch.delitem(sys.modules, "datasets", raising=False)
    is_datasets_available.cache_clear()
    is_datasets_available()  # which remembers

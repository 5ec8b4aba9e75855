"""Made-up steps, as a Clipper with statistics reports them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradclip.core.policies.report import Report
from gradclip.core.statistics import Statistics
from gradclip.record import Metadata, Parameter, StepRecord


def metadata(num_tensors: int) -> Metadata:
    """Return what is known of a run of so many tensors."""
    return Metadata(
        program="benchmarks.recording",
        framework="numpy",
        framework_version=np.__version__,
        gradclip="",
        python="",
        parameters=tuple(Parameter(name, (64, 64)) for name in names(num_tensors)),
    )


def names(num_tensors: int) -> list[str]:
    """Return names such as those of a transformer."""
    return [f"transformer.layers.{i // 4}.part{i % 4}.weight" for i in range(num_tensors)]


def records(num_tensors: int, steps: range, *, statistics: bool = True) -> list[StepRecord]:
    """Return steps whose numbers are lognormal; no two steps have the same."""
    rng = np.random.default_rng(0)
    drawn = rng.lognormal(size=(64, num_tensors)).astype(np.float32)
    zeros = np.zeros(num_tensors, dtype=np.int64)
    return [
        _record(step, drawn[step % 64] * np.float32(1 + 1e-6 * step), zeros, statistics=statistics)
        for step in steps
    ]


def _record(
    step: int, norms: NDArray[np.float32], zeros: NDArray[np.int64], *, statistics: bool
) -> StepRecord:
    found: dict[str, Any] = {}
    if statistics:
        found = {"largest": norms, "nonfinite": zeros, "zeros": zeros}
    return StepRecord(
        step=step,
        time=0.01 * step,
        loss=float(norms[0]),
        learning_rate=1e-3,
        global_norm_before=float(norms[1]),
        global_norm_after=1.0,
        limit=1.0,
        scale=0.5,
        norms_before=norms,
        norms_after=norms,
        **found,
    )


def report(num_tensors: int) -> Report:
    """Return a report, as a Clipper gives it."""
    norms = np.random.default_rng(0).lognormal(size=num_tensors).astype(np.float32)
    zeros = np.zeros(num_tensors, dtype=np.int64)
    return Report(
        names=tuple(names(num_tensors)),
        norm_before=2.0,
        norm_after=1.0,
        limit=1.0,
        scale=0.5,
        skipped=False,
        parts_before=norms,
        parts_after=norms,
        statistics=Statistics(2.0, norms, norms, zeros, zeros),
    )

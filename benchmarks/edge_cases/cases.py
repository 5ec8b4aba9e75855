"""The edge cases: what goes in, and which rule tells what must come out."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import ml_dtypes
import numpy as np

from benchmarks.edge_cases.oracle import Array

Arrays = list[Array | None]
Kind = Literal[
    "clip",  # a list is clipped by its global norm; norm and result are judged
    "clip-one",  # one tensor is clipped by its own norm
    "below",  # many lists, each with a threshold above its norm: all must keep their bits
    "equal",  # many lists, each clipped at the norm that was measured: likewise
    "refuse",  # an error must be raised
    "nonfinite",  # all entries and the norm must say that something was wrong
    "repeated-rows",  # a sparse gradient whose rows occur twice
    "tied",  # one parameter given twice
    "derivative",  # of a clip, at a gradient of zeros
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One row of the page.

    Attributes:
        key: Its name in the stored results.
        title: Its name on the page.
        build: Makes the arrays.
        limit: The threshold.
        kind: What is done and judged.
    """

    key: str
    title: str
    build: Callable[[], Arrays]
    limit: float
    kind: Kind = "clip"


def _full(*values: float, dtype: type[np.generic] = np.float32) -> Callable[[], Arrays]:
    """Return a maker of tensors of one entry each."""
    return lambda: [np.array([value]).astype(dtype) for value in values]


def _ordinary() -> Arrays:
    """Make two tensors with a norm of 5."""
    return [np.array([3.0], np.float32), np.array([4.0], np.float32)]


def _mixed() -> Arrays:
    """Make a float16 and a float32 tensor with a norm of 5."""
    return [np.array([3.0], np.float16), np.array([4.0], np.float32)]


def _large() -> Arrays:
    """Make one tensor of 30 million entries."""
    return [np.random.default_rng(0).random(30_000_000, np.float32)]


def _many() -> Arrays:
    """Make a thousand rows of three entries, each a gradient of its own."""
    return [np.random.default_rng(0).standard_normal((1000, 3)).astype(np.float32)]


CASES = (
    Case(key="large", title="two entries of 1e25, threshold 1", build=_full(1e25, 1e25), limit=1.0),
    Case(
        key="large-one",
        title="one tensor with two entries of 1e25, by its own norm, threshold 1",
        build=lambda: [np.full(2, 1e25, np.float32)],
        limit=1.0,
        kind="clip-one",
    ),
    Case(
        key="half",
        title="float16 entries 300 and 400, threshold 1",
        build=_full(300.0, 400.0, dtype=np.float16),
        limit=1.0,
    ),
    Case(
        key="small",
        title="two entries of 1e-25, threshold 1e-26",
        build=_full(1e-25, 1e-25),
        limit=1e-26,
    ),
    Case(
        key="tiny",
        title="two entries of 1e-38, threshold 1 (bits must stay)",
        build=_full(1e-38, 1e-38),
        limit=1.0,
    ),
    Case(
        key="double",
        title="float64 entries of 1e200, threshold 1",
        build=_full(1e200, 1e200, dtype=np.float64),
        limit=1.0,
    ),
    Case(
        key="bfloat16",
        title="1001 bfloat16 ones, threshold 100",
        build=lambda: [np.ones(1001, ml_dtypes.bfloat16)],
        limit=100.0,
    ),
    Case(key="count", title="30 million float32 entries, threshold 1", build=_large, limit=1.0),
    Case(
        key="complex",
        title="a complex entry 3 + 4i, threshold 1",
        build=lambda: [np.array([3 + 4j], np.complex64)],
        limit=1.0,
    ),
    Case(key="mixed", title="float16 beside float32, threshold 1", build=_mixed, limit=1.0),
    Case(
        key="below",
        title="1000 gradients below the threshold (bits must stay)",
        build=_many,
        limit=math.nan,
        kind="below",
    ),
    Case(
        key="equal",
        title="1000 gradients at the threshold that was measured (bits must stay)",
        build=_many,
        limit=math.nan,
        kind="equal",
    ),
    Case(
        key="micro",
        title="norm 5e-6, threshold 1e-6",
        build=_full(3e-6, 4e-6),
        limit=1e-6,
    ),
    Case(key="zero", title="norm 5, threshold 0", build=_ordinary, limit=0.0),
    Case(key="zeros", title="zero gradients, threshold 0", build=_full(0.0, 0.0), limit=0.0),
    Case(key="negative", title="threshold -1", build=_ordinary, limit=-1.0, kind="refuse"),
    Case(key="nan-limit", title="threshold NaN", build=_ordinary, limit=math.nan, kind="refuse"),
    Case(key="inf-limit", title="norm 5, threshold inf", build=_ordinary, limit=math.inf),
    Case(
        key="inf-limit-inf",
        title="entries 1 and inf, threshold inf (only measured)",
        build=_full(1.0, math.inf),
        limit=math.inf,
    ),
    Case(
        key="nan",
        title="entries 1 and NaN, threshold 1",
        build=_full(1.0, math.nan),
        limit=1.0,
        kind="nonfinite",
    ),
    Case(
        key="inf",
        title="entries 1 and inf, threshold 1",
        build=_full(1.0, math.inf),
        limit=1.0,
        kind="nonfinite",
    ),
    Case(key="empty", title="an empty list", build=list, limit=1.0),
    Case(
        key="none",
        title="None in the list, norm 5, threshold 1",
        build=lambda: [*_ordinary(), None],
        limit=1.0,
    ),
    Case(key="all-none", title="nothing but None", build=lambda: [None, None], limit=1.0),
    Case(
        key="no-entries",
        title="a tensor of 0 entries in the list, threshold 1",
        build=lambda: [*_ordinary(), np.zeros((0, 3), np.float32)],
        limit=1.0,
    ),
    Case(
        key="rows",
        title="an embedding row that occurs twice (3 + 4), threshold 1",
        build=lambda: [np.array([[3.0], [4.0]], np.float32)],
        limit=1.0,
        kind="repeated-rows",
    ),
    Case(key="tied", title="a parameter given twice", build=_ordinary, limit=1.0, kind="tied"),
    Case(
        key="derivative",
        title="derivative of the clip at a gradient of zeros",
        build=lambda: [np.zeros(3, np.float32)],
        limit=1.0,
        kind="derivative",
    ),
)

"""Right or wrong, by the oracle, with the number that came out."""

import math
from typing import NamedTuple

import numpy as np

from benchmarks.edge_cases import oracle
from benchmarks.edge_cases.cases import Arrays, Case
from benchmarks.edge_cases.oracle import Array
from benchmarks.edge_cases.subject import NotOfferedError, Outcome, Subject

_NORM_ERROR = 1e-6
_CLIPPED_ERROR = 5e-7
_SEEN = 1e-3  # errors of a result that are told beside one of the norm
_ROOM = 1.01  # thresholds above a norm lie up to this factor above it


class Verdict(NamedTuple):
    """A cell of the page.

    Attributes:
        right: Whether it is right; None where the framework refuses, or offers nothing.
        text: What came out, where that says more than "right"; the error if it refuses.
    """

    right: bool | None
    text: str


def _right(text: str = "") -> Verdict:
    return Verdict(right=True, text=text)


def _wrong(text: str) -> Verdict:
    return Verdict(right=False, text=text)


def judge(case: Case, subject: Subject) -> Verdict:
    """Run a case and compare with what must come out."""
    try:
        return _JUDGES[case.kind](case, subject)
    except NotOfferedError:
        return Verdict(right=None, text="")
    except Exception as error:  # noqa: BLE001 - a peer may raise anything, and that is the result
        return Verdict(right=None, text=f"raises {type(error).__name__}")


def _dense(case: Case) -> list[Array]:
    """Return the arrays of a case that has no None."""
    return [array for array in case.build() if array is not None]


def _clip(case: Case, subject: Subject) -> Verdict:
    arrays = case.build()
    return _compare(arrays, case.limit, subject.clip(arrays, case.limit))


def _clip_one(case: Case, subject: Subject) -> Verdict:
    (array,) = _dense(case)
    return _compare([array], case.limit, subject.clip_one(array, case.limit))


def _repeated_rows(case: Case, subject: Subject) -> Verdict:
    (values,) = _dense(case)
    dense = np.zeros((4, 1), np.float32)
    dense[1] = values.sum()
    return _compare([dense], case.limit, subject.clip_rows(values, case.limit))


def _tied(case: Case, subject: Subject) -> Verdict:
    array = np.concatenate(_dense(case))
    return _compare([array], case.limit, subject.clip_tied(array, case.limit))


def _refuse(case: Case, subject: Subject) -> Verdict:
    try:
        outcome = subject.clip(case.build(), case.limit)
    except (ValueError, TypeError) as error:
        return _right(f"raises {type(error).__name__}")
    return _wrong(f"{_entries(case.build())} become {_entries(outcome.arrays)}")


def _nonfinite(case: Case, subject: Subject) -> Verdict:
    outcome = subject.clip(case.build(), case.limit)
    entries = [a.item() for a in outcome.arrays if a is not None]
    right = all(math.isnan(entry) for entry in entries)
    if outcome.norm is not None:
        right &= not math.isfinite(outcome.norm)
    return Verdict(right=right, text=f"{_entries(case.build())} become {_entries(outcome.arrays)}")


def _below(case: Case, subject: Subject) -> Verdict:
    (rows,) = _dense(case)
    rooms = np.linspace(1.0, _ROOM, len(rows) + 1)[1:]
    limits = [
        float(np.float32(oracle.norm([r]) * room)) for r, room in zip(rows, rooms, strict=True)
    ]
    pairs = zip(rows, limits, strict=True)
    changed = sum(_changes(row, subject.clip_at(row, limit)) for row, limit in pairs)
    return _wrong(f"{changed} changed") if changed else _right()


def _equal(case: Case, subject: Subject) -> Verdict:
    (rows,) = _dense(case)
    changed = sum(_changes(row, subject.clip_at(row, subject.measure([row]))) for row in rows)
    return _wrong(f"{changed} changed") if changed else _right()


def _changes(row: Array, outcome: Outcome) -> bool:
    (clipped,) = outcome.arrays
    return clipped is None or clipped.tobytes() != row.tobytes()


def _derivative(case: Case, subject: Subject) -> Verdict:
    (array,) = _dense(case)
    slope = subject.derivative(array, case.limit)
    return _right() if np.all(slope == 1) else _wrong(number(slope[0].item()))


def _compare(arrays: Arrays, limit: float, outcome: Outcome) -> Verdict:
    """Compare a clip with the exact one."""
    norm = oracle.norm(arrays)
    if outcome.norm is not None and not _close(outcome.norm, norm, _NORM_ERROR):
        text = f"norm {_against(outcome.norm, norm)}"
        result = oracle.norm(outcome.arrays)
        wanted = min(limit, norm)
        if not _close(result, wanted, _SEEN):
            text += f"; clipped to {_against(result, wanted)}"
        return _wrong(text)
    kept = [a is None for a in arrays] == [a is None for a in outcome.arrays]
    if not kept:
        return _wrong("None did not stay in place")
    pairs = [(a, b) for a, b in zip(arrays, outcome.arrays, strict=True) if a is not None]
    if norm <= limit or limit == math.inf:
        same = all(b is not None and a.tobytes() == b.tobytes() for a, b in pairs)
        return Verdict(
            same, "" if same else f"{_entries(arrays)} become {_entries(outcome.arrays)}"
        )
    return _compare_clipped(pairs, limit, norm, outcome)


def _compare_clipped(
    pairs: list[tuple[Array, Array | None]], limit: float, norm: float, outcome: Outcome
) -> Verdict:
    """Compare a result whose norm must be the limit."""
    reached = oracle.norm(outcome.arrays)
    step = max(oracle.spacing(a.dtype)[0] for a, _ in pairs)
    smallest = max(oracle.spacing(a.dtype)[1] for a, _ in pairs)
    slack = max(_CLIPPED_ERROR * limit, step / 2 * limit, smallest)
    if not abs(reached - limit) <= slack:
        return _wrong(f"clipped to {_against(reached, limit)}")
    errors = [
        np.abs(np.asarray(b, a.dtype) - oracle.scaled(a, limit / norm))
        <= (_NORM_ERROR + step) * np.abs(oracle.scaled(a, limit / norm)) + smallest
        for a, b in pairs
    ]
    right = all(np.all(e) for e in errors)
    return _right() if right else _wrong("another direction")


def _close(value: float, exact: float, error: float) -> bool:
    if math.isfinite(exact):
        return abs(value - exact) <= error * exact
    return value == exact or (math.isnan(value) and math.isnan(exact))


def _against(value: float, exact: float) -> str:
    """Say two numbers with as many digits as tell them apart."""
    digits = next((d for d in range(3, 12) if f"{value:.{d}g}" != f"{exact:.{d}g}"), 12)
    return f"{number(value, digits)} instead of {number(exact, digits)}"


def _entries(arrays: Arrays) -> str:
    """Say the first entries."""
    entries = [x for a in arrays if a is not None for x in a.reshape(-1)[:3].tolist()]
    return ", ".join(map(number, entries[:3]))


def number(value: complex, digits: int = 4) -> str:
    """Return a number as the page writes it.

    Example:
        >>> number(5e25), number(float("nan"))
        ('5e25', 'NaN')
    """
    if value != value:  # noqa: PLR0124 - NaN alone differs
        return "NaN"
    text = f"{value:.{digits}g}"
    return text.replace("e+", "e").replace("e-0", "e-").replace("e0", "e")


_JUDGES = {
    "clip": _clip,
    "clip-one": _clip_one,
    "below": _below,
    "equal": _equal,
    "refuse": _refuse,
    "nonfinite": _nonfinite,
    "repeated-rows": _repeated_rows,
    "tied": _tied,
    "derivative": _derivative,
}

"""What gradclip promises of every policy, one function a promise.

Each takes a policy on trial and says what is wrong, or None.
"""

import itertools
import math
import pickle
from collections.abc import Callable

import numpy as np

from gradclip.core.arithmetic import State, map_state
from gradclip.core.policies.saving import leaves, plain, restored
from gradclip.testing.trial import HISTORY, Step, Trial

Promise = Callable[[Trial], str | None]

_MIXED = [*HISTORY[:150], 40.0, 1e-3, *HISTORY[150:180], 0.0, 9.0, *HISTORY[180:200]]
_BAD = (math.nan, math.inf, -math.inf)


def decisions_repeat(trial: Trial) -> str | None:
    """The same gradients and state give the same decision, whatever was asked before."""
    first, second = (list(trial.steps(_MIXED)) for _ in range(2))
    for place, (one, other) in enumerate(zip(first, second, strict=True)):
        if not same_step(one, other):
            return (
                f"The same steps must give the same decisions, got a scale of {one.scale} and "
                f"then {other.scale} at step {place}. Keep all that changes in the state."
            )
    return None


def states_are_not_changed(trial: Trial) -> str | None:
    """A state that was passed in stays as it was."""
    for state in (trial.start(), trial.seasoned()):
        before = pickle.dumps(plain(state))
        trial.step(state, trial.gradients(50.0))
        if pickle.dumps(plain(state)) != before:
            return "`update` must return a new state, got the one it was given with other entries."
    return None


def states_can_be_saved(trial: Trial) -> str | None:
    """A state that was saved as lists of numbers and arrays goes on to the bit."""
    state = trial.seasoned()
    loaded = restored(trial.start(), pickle.loads(pickle.dumps(plain(state))))
    norms = [*HISTORY[:20], 30.0, *HISTORY[20:40]]
    for one, other in zip(trial.steps(norms, state), trial.steps(norms, loaded), strict=True):
        if not same_step(one, other):
            return (
                f"A state that was saved must go on to the bit, got a scale of {other.scale} "
                f"where it would have been {one.scale}. Keep numbers and arrays in NamedTuples."
            )
    return None


def states_are_float32(trial: Trial) -> str | None:
    """Nothing is lost when a state is stored as float32, as checkpoints and JAX do."""
    for entry in leaves(trial.after(_MIXED)):
        exact = np.asarray(entry, np.float64)
        with np.errstate(over="ignore"):
            stored = exact.astype(np.float32).astype(np.float64)
        if not np.array_equal(exact, stored, equal_nan=True):
            return (
                "Entries of a state must be float32 numbers, got one that float32 cannot hold. "
                "Round them with `Arithmetic.store`."
            )
    return None


def missing_gradients_stay_missing(trial: Trial) -> str | None:
    """None stays in its place, and is no error."""
    for state in (trial.start(), trial.seasoned()):
        for missing in _subsets(len(trial.names)):
            given = trial.gradients(2.0)
            for place in missing:
                given[place] = None
            got = [t is None for t in trial.step(state, given).gradients]
            if got != [t is None for t in given]:
                return f"None must stay in its place, got {got} for gradients {missing} missing."
    return None


def no_gradients_are_no_error(trial: Trial) -> str | None:
    """Lists and tensors without entries work."""
    empty = Trial(trial.policy, ())
    if empty.step(empty.start(), []).gradients:
        return "No gradients must give no gradients, got some."
    hollow = Trial(trial.policy, trial.names, shapes=((0, 3), (0,)))
    given = hollow.gradients(1.0)
    shapes = [t.shape for t in hollow.step(hollow.start(), given).gradients]
    if shapes != [t.shape for t in given]:
        return f"Gradients without entries must keep their shapes, got {shapes}."
    return None


def zeros_stay_zeros(trial: Trial) -> str | None:
    """Gradients of 0 are left alone, and what comes after them is not lost."""
    for state in (trial.start(), trial.seasoned()):
        step = trial.step(state, trial.gradients(0.0))
        if step.scale != 1.0 or any(np.any(t != 0) for t in step.gradients):
            return f"Gradients of 0 must stay, with a scale of exactly 1, got {step.scale}."
    if next(trial.steps([1.0])).after == 0:
        return None  # a limit of 0, which gives zeros always
    for count in (1, 300):
        last = [step.after for step in trial.steps([0.0] * count + [1.0] * 1100)][-1]
        if not last > 0:
            return f"After {count} steps of 0 gradients must come through again, got {last}."
    return None


def what_is_not_finite_is_forgotten(trial: Trial) -> str | None:
    """A step with NaN or infinite entries is skipped, and the state stays as it was."""
    for state in (trial.start(), trial.seasoned()):
        for value, place in itertools.product(_BAD, range(len(trial.names))):
            given = trial.gradients(1.0)
            given[place].flat[0] = value
            step = trial.step(state, given)
            if not (step.skipped and step.after == 0):
                return f"A step with an entry of {value} must be skipped."
            for nonfinite in ("skip", "propagate"):
                after = trial.step(state, given, nonfinite=nonfinite).state
                if pickle.dumps(plain(after)) != pickle.dumps(plain(state)):
                    return (
                        f"An entry of {value} must teach a policy nothing, got another state. "
                        "Learn where `Batch.accept` holds, or write a `Limit`, which sees no such."
                    )
    return None


def a_norm_decides_nothing_on_itself(trial: Trial) -> str | None:
    """The limit in force, and what is left of an entry that is cut, never grow with the norm."""
    state = trial.seasoned()
    found = [trial.step(state, trial.gradients(norm)) for norm in (0.25, 0.95, 1.05, 2.0, 30.0)]
    for one, other in itertools.pairwise(found):
        if np.any(one.limit * (1 + 1e-6) < other.limit):
            return (
                f"A larger norm must not raise its own limit, got {other.limit} in place of "
                f"{one.limit}. Decide first, then observe."
            )
    far, farther = (trial.gradients(norm) for norm in (1e4, 1e8))
    cut, again = (trial.step(state, given).gradients for given in (far, farther))
    for given, one, other in zip(far, cut, again, strict=True):
        grown = (one != given) & (np.abs(other) > np.abs(one) * (1 + 1e-4))
        if np.any(grown):
            return (
                f"A larger spike must not leave a larger gradient, got an entry of "
                f"{other[grown][0]} in place of {one[grown][0]}. Decide first, then observe."
            )
    return None


def at_or_below_the_limit_nothing_changes(trial: Trial) -> str | None:
    """A gradient that is not too large comes back with the same bits and a scale of exactly 1."""
    for state in (trial.start(), trial.seasoned()):
        # Gradients of many sizes, and one that lies a hair below what it would be cut to.
        cut = trial.step(state, trial.gradients(1e4)).gradients
        edge = [(t * np.float64(1 - 4e-7)).astype(np.float32) for t in cut]
        sizes = (0.75 * 10.0**-exponent for exponent in range(0, 30, 3))
        for given in (edge, *map(trial.gradients, sizes)):
            step = trial.step(state, given)
            if not 0 <= step.scale <= 1:
                return f"A scale must lie in [0, 1], got {step.scale}."
            same = all(
                x.tobytes() == y.tobytes() for x, y in zip(given, step.gradients, strict=True)
            )
            if step.scale > 0.999 and not (step.scale == 1.0 and same):  # noqa: PLR2004 - no cut
                return (
                    "Gradients that are not too large must keep every bit and a scale of exactly "
                    f"1, got {step.scale!r}. Add no epsilon: guard divisions by 0 with `where`."
                )
    return None


def same_step(one: Step, other: Step) -> bool:
    """Tell whether two steps came out alike to the bit, states included."""
    given = [[None if t is None else t.tobytes() for t in s.gradients] for s in (one, other)]
    kept = [map_state(lambda x: np.asarray(x).tobytes(), s.state) for s in (one, other)]
    return one.decision == other.decision and given[0] == given[1] and kept[0] == kept[1]


def adapts(state: State) -> bool:
    """Tell whether a policy's state holds more than the step."""
    return next(leaves(state.inner), None) is not None


def _subsets(count: int) -> list[tuple[int, ...]]:
    """Return single places, and all of them."""
    return [*((i,) for i in range(count)), tuple(range(count))]


PROMISES: tuple[Promise, ...] = (
    decisions_repeat,
    states_are_not_changed,
    states_can_be_saved,
    states_are_float32,
    missing_gradients_stay_missing,
    no_gradients_are_no_error,
    zeros_stay_zeros,
    what_is_not_finite_is_forgotten,
    a_norm_decides_nothing_on_itself,
    at_or_below_the_limit_nothing_changes,
)

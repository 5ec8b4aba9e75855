"""Moments that Keras' optimizers keep of the gradients: found, and reset."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras

from gradclip.core.policies.policy import Policy
from gradclip.core.policies.resets import momentum_resets
from gradclip.core.warning import warn_user
from gradclip.core.wrapping import wrapped
from gradclip.keras.branch import run_one

# What Keras' optimizers, and most others, call their lists of running means. Sums over all steps,
# as Adagrad and Ftrl keep, are none.
_MOMENTS = (
    "momentums",
    "_momentums",
    "_velocities",
    "_velocity_hats",
    "adam_velocities",
    "_average_gradients",
    "_accumulated_grads",
    "_accumulated_delta_vars",
    "_m",
    "_u",
    "_r",
    "_c",
    "_v",
)
_WEIGHTS = {"ScheduleFreeAdamW": ("_momentums",)}  # weights under a moment's name


class Due(NamedTuple):
    """Moments to be set to zero after every so many applied steps."""

    every: int
    moments: list[Any]


def find_resets(
    policy: Policy, optimizer: Any, variables: list[Any], names: tuple[str, ...]
) -> list[Due]:
    """Return the resets that a policy asks for, and warn if there are no moments to reset.

    Args:
        policy: The policy.
        optimizer: A Keras optimizer that was built, or one around it.
        variables: The variables.
        names: Their names.
    """
    innermost = list(wrapped(optimizer))[-1]
    resets = []
    for every, governed in momentum_resets(policy, names):
        chosen = [v for v, name in zip(variables, names, strict=True) if name in governed]
        resets.append(Due(every, moments_of(innermost, chosen)))
    if not all(due.moments for due in resets):
        warn_user(
            f"SPAM resets the optimizer's moments, got {type(innermost).__name__}, which keeps "
            "none under a known name. Pass reset_every=None."
        )
    return [due for due in resets if due.moments]


def reset_due(resets: list[Due], step: Any) -> None:
    """Set moments to zero after the steps that resets name.

    The optimizer's count of steps, by which Adam corrects for the bias of its start, goes on, as
    in SPAM's own optimizer.

    Args:
        resets: What `find_resets` returned.
        step: The number of applied steps, this one included, ().
    """
    for every, moments in resets:
        _reset_if(keras.ops.equal(step % every, 0), moments)


def moments_of(optimizer: Any, variables: list[Any]) -> list[Any]:
    """Return the moments that an optimizer keeps of some variables' gradients.

    Args:
        optimizer: The optimizer, which was built; not one around another.
        variables: The variables.

    Returns:
        Keras variables.

    Example:
        >>> import keras
        >>> weight = keras.Variable([1.0, 2.0])
        >>> adam = keras.optimizers.Adam()
        >>> adam.build([weight])
        >>> len(moments_of(adam, [weight]))
        2
    """
    chosen = {id(v) for v in variables}
    return [
        moment
        for each in getattr(optimizer, "optimizers", [optimizer])  # a MultiOptimizer has several
        for variable, moment in _kept(each)
        if id(variable) in chosen
    ]


def _kept(optimizer: Any) -> Iterator[tuple[Any, Any]]:
    """Yield variables and moments of their gradients.

    Yields:
        The pairs.
    """
    others = _WEIGHTS.get(type(optimizer).__name__, ())
    for name in _MOMENTS:
        kept = getattr(optimizer, name, None)
        if name in others or not isinstance(kept, list | tuple):
            continue
        known = optimizer._trainable_variables  # noqa: SLF001 - Keras names them no other way
        yield from (pair for pair in zip(known, kept, strict=False) if pair[1] is not None)


def _reset_if(due: Any, moments: list[Any]) -> None:
    def reset() -> None:
        for moment in moments:
            moment.assign(keras.ops.zeros(moment.shape, moment.dtype))

    run_one(due, reset, lambda: None, moments)

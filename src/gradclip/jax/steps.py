"""One step of a policy on a pytree of gradients: state in, state out."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from gradclip.core.decide import NonFinite
from gradclip.core.policies import run
from gradclip.core.policies.policy import Policy
from gradclip.core.policies.run import Outcome, PolicyState
from gradclip.core.statistics import Statistics
from gradclip.errors import ConfigurationError
from gradclip.jax.compiled import compiled
from gradclip.jax.names import opened, sealed, take_apart
from gradclip.jax.namespace import JaxNamespace

_xp = JaxNamespace()


class ClipState(NamedTuple):
    """What a policy carries from step to step in JAX, and what the last step came to.

    All leaves are arrays of float32 or int32, so that it goes through every transformation and
    into every checkpoint. `gradclip.jax.report` makes a `Report` of it.
    """

    names: Any  # the parameters' names as `names.sealed` has them, static to JAX
    policy: PolicyState  # the steps that were not skipped, and what the policy has learned
    norm_before: Array  # ()
    norm_after: Array  # ()
    limit: Array  # () or (T,)
    scale: Array  # ()
    parts_before: Array  # (T,)
    parts_after: Array  # (T,)
    skipped: Array  # (), int32: the steps that were skipped
    skipped_in_a_row: Array  # (), int32: those since one was not
    statistics: Statistics | None = None  # of the last step's gradients, if they were asked for


class Step(NamedTuple):
    """What a policy decided on the gradients of one step."""

    updates: Any  # the pytree of clipped gradients, zeros for a skipped step
    skipped: Array  # whether to drop the step, a bool ()
    state: ClipState


def initial_state(policy: Policy, params: Any, *, statistics: bool = False) -> ClipState:
    """Return the state before the first step.

    Args:
        policy: The policy.
        params: The pytree of parameters; their values do not count.
        statistics: Whether each step shall tell all that one look at its gradients can.

    Raises:
        ConfigurationError: There are no parameters.
    """
    if params is None:
        msg = "`params` must be the pytree of parameters, got None. Call init(params)."
        raise ConfigurationError(msg)
    named = take_apart(params)
    limit = jax.eval_shape(partial(_limit, policy, named.names), named.tensors)
    length = len(named.names)
    return ClipState(
        names=sealed(params, named.names),
        policy=run.init(policy, named.tensors, named.names, _xp),
        norm_before=jnp.zeros((), jnp.float32),
        norm_after=jnp.zeros((), jnp.float32),
        limit=jnp.full(limit.shape, jnp.inf, jnp.float32),
        scale=jnp.ones((), jnp.float32),
        parts_before=jnp.zeros(length, jnp.float32),
        parts_after=jnp.zeros(length, jnp.float32),
        skipped=jnp.zeros((), jnp.int32),
        skipped_in_a_row=jnp.zeros((), jnp.int32),
        statistics=_no_statistics(length) if statistics else None,
    )


def take_step(
    policy: Policy, updates: Any, state: ClipState, params: Any, *, nonfinite: NonFinite
) -> Step:
    """Clip the gradients of one step.

    Args:
        policy: The policy.
        updates: The pytree of gradients; None and integers stay as they are.
        state: What `initial_state` or the last step returned.
        params: The pytree of parameters, or None if the policy does not ask for them.
        nonfinite: What NaN and infinite gradients lead to.

    Returns:
        The clipped gradients, whether to drop the step, and the state.

    Raises:
        ConfigurationError: There are more or less gradients than there were parameters.
        NonFiniteGradientError: With `nonfinite="raise"`.
    """
    length = len(opened(state.names))
    for tree, what in ((updates, "gradient"), (params, "parameter")):
        _check_length(length, tree, what)
    concrete = not any(isinstance(x, jax.core.Tracer) for x in jax.tree.leaves((updates, state)))
    together = concrete and nonfinite != "raise" and _hashable(policy)
    step = _compiled if together else _plain
    return step(policy, updates, state, params, nonfinite)


def _plain(
    policy: Policy, updates: Any, state: ClipState, params: Any, nonfinite: NonFinite
) -> Step:
    """Take a step."""
    named = take_apart(updates)
    outcome = run.update(
        policy,
        named.tensors,
        state.policy,
        weights=[] if params is None else take_apart(params).tensors,
        names=opened(state.names),
        nonfinite=nonfinite,
        xp=_xp,
        statistics=state.statistics is not None,
    )
    following = _following(state, outcome)
    return Step(named.rebuild(outcome.gradients()), jnp.asarray(outcome.skipped), following)


# Eager steps as one program each; equal policies share it.
_compiled = compiled("policy", "nonfinite")(_plain)


def _limit(policy: Policy, names: tuple[str, ...], params: list[Array | None]) -> Array:
    """Return a limit for its shape."""
    state = run.init(policy, params, names, _xp)
    outcome = run.update(
        policy, params, state, weights=params, names=names, nonfinite="propagate", xp=_xp
    )
    return _single(outcome.report.limit)


def _following(state: ClipState, outcome: Outcome) -> ClipState:
    """Return the state after a step."""
    report, skipped = outcome.report, jnp.asarray(outcome.skipped)
    return ClipState(
        names=state.names,
        policy=outcome.state,
        norm_before=_single(report.norm_before),
        norm_after=_single(report.norm_after),
        limit=jnp.broadcast_to(_single(report.limit), state.limit.shape),
        scale=_single(report.scale),
        parts_before=_single(report.parts_before),
        parts_after=_single(report.parts_after),
        skipped=state.skipped + skipped.astype(jnp.int32),
        skipped_in_a_row=jnp.where(skipped, state.skipped_in_a_row + 1, 0),
        statistics=_stored(report.statistics),
    )


def _no_statistics(length: int) -> Statistics:
    """Return the statistics before the first step, in arrays of their own: states are donated."""
    norms, largest = (jnp.zeros(length, jnp.float32) for _ in range(2))
    nonfinite, zeros = (jnp.zeros(length, jnp.int32) for _ in range(2))
    return Statistics(jnp.zeros((), jnp.float32), norms, largest, nonfinite, zeros)


def _stored(found: Statistics | None) -> Statistics | None:
    """Return statistics as a state keeps them."""
    if found is None:
        return None
    *norms, nonfinite, zeros = found
    return Statistics(*map(_single, norms), *(x.astype(jnp.int32) for x in (nonfinite, zeros)))


def _single(x: Any) -> Array:
    """Return a number or array in float32."""
    return jnp.asarray(x).astype(jnp.float32)


def _check_length(length: int, tree: Any, what: str) -> None:
    """Raise unless a pytree that is given has a leaf or None for each parameter.

    Raises:
        ConfigurationError: It has not.
    """
    if tree is None:
        return
    given = len(jax.tree.leaves(tree, is_leaf=lambda node: node is None))
    if given != length:
        msg = (
            f"There must be a {what} or None for each of {length} parameters, got {given}. "
            "Call init with the parameters that the gradients belong to."
        )
        raise ConfigurationError(msg)


def _hashable(policy: Policy) -> bool:
    """Tell whether a policy can be told from others, which arrays in it prevent."""
    try:
        hash(policy)
    except TypeError:
        return False
    return True

"""10,000 recorded steps with all that happens to gradients, and what plain floats decide on them.

Floats are the reference: each norm is a Python float, each limit runs on it with `Floats`, and
nothing of a framework, nor of the machine that groups norms into arrays, takes part.
"""

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np

import gradclip
from gradclip.core.arithmetic import map_state
from gradclip.core.decide import decide
from gradclip.core.floats import Floats
from gradclip.core.policies.kinds import resolve_norm
from gradclip.core.policies.limits.limit import Seen

STEPS = 10_000
NAMES = ("a.weight", "a.bias", "b.weight")
SHAPES = ((2, 3), (3,), (3, 2))
WEIGHTS = tuple(np.full(shape, 0.5, np.float32) for shape in SHAPES)

POLICIES = {
    "global norm": gradclip.GlobalNorm(2.0),
    "autoclip": gradclip.AutoClip(90.0),
    "zclip": gradclip.ZClip(),
    "adagc": gradclip.AdaGC(),
    "spam": gradclip.SPAM(50.0, 0.95),
    "agc": gradclip.AdaptiveGradientClipping(0.5, axes=0),
    "z-score of layers that drops": gradclip.Clip(
        limit=gradclip.ZScore(threshold=4.0), granularity="layer", action="drop"
    ),
    "chain": gradclip.Chain(
        gradclip.Clip(limit=gradclip.Percentile(percentile=80.0, window=50), granularity="tensor"),
        gradclip.GlobalNorm(gradclip.Schedule({0: 20.0, 5000: 2.0})),
    ),
}


class Decisions(NamedTuple):
    """What a policy made of S steps."""

    scale: np.ndarray  # (S,)
    skipped: np.ndarray  # (S,)
    parts: np.ndarray  # (S, T): each tensor's norm after clipping, in units of the one before


@functools.cache
def gradients():
    """The gradients of each step, by tensor: (S, *shape), float32."""
    source = np.random.default_rng(0)
    level = np.exp(np.cumsum(source.normal(0, 0.01, STEPS)))
    level[4000:7000] *= 5.0  # for good, it seems
    tensors = [source.normal(size=(STEPS, *shape)) for shape in SHAPES]
    for tensor in tensors:
        tensor *= level.reshape(-1, *(1,) * (tensor.ndim - 1))
        tensor[source.random(STEPS) < 0.01] *= 10 ** source.uniform(0.5, 4)
        tensor[source.random(STEPS) < 0.01] = 0.0
        tensor[source.random(STEPS) < 0.002] *= 1e25  # whose square float32 cannot hold
        tensor[source.random(STEPS) < 0.002] *= 1e-25
        tensor[source.random(STEPS) < 0.001, 0] = np.inf
        tensor[source.random(STEPS) < 0.001, -1] = np.nan
        tensor[2000:2005] = np.nan
        tensor[2100:2200] = 1.0  # norms without any deviation
        tensor[3000:3040] = 0.0
        tensor[:3] = 0.0
    tensors[0][3] = np.nan
    with np.errstate(over="ignore"):
        return tuple(tensor.astype(np.float32) for tensor in tensors)


@functools.cache
def reference(name):
    """What plain floats decide."""
    rows = zip(*(tensor.reshape(STEPS, -1).tolist() for tensor in gradients()), strict=True)
    policy, state, step = POLICIES[name], None, 0.0
    found = []
    for row in rows:
        tensors = list(row)
        before = [math.hypot(*tensor) for tensor in tensors]
        finite = math.isfinite(math.hypot(*before))
        after, drop, state = _update(policy, tensors, state, step, finite)
        skipped = drop or not finite
        step += not skipped
        after = [0.0 if skipped else math.hypot(*tensor) for tensor in after]
        found.append(
            (_share(math.hypot(*after), math.hypot(*before)), skipped, _shares(after, before))
        )
    scale, skips, parts = zip(*found, strict=True)
    return Decisions(np.array(scale), np.array(skips), np.array(parts))


def shares(parts_after, steps):
    """Norms after clipping of some steps in units of those before; 1 where both are 0."""
    flat = [t.reshape(STEPS, -1)[steps].astype(np.float64) for t in gradients()]
    before = np.stack([np.sqrt(np.square(t).sum(axis=1)) for t in flat], axis=1)
    return np.array([_shares(a, b) for a, b in zip(parts_after, before, strict=True)])


def _shares(after, before):
    return [_share(a, b) for a, b in zip(after, before, strict=True)]


def _share(after, before):
    if after == before:
        return 1.0
    return 0.0 if after == 0 else after / before


def _update(policy, tensors, state, step, finite):
    """Return the tensors, whether to drop the step, and the state."""
    if isinstance(policy, gradclip.Chain):
        states, drop = [], False
        for link, own in itertools.zip_longest(policy.policies, state or ()):
            tensors, dropped, own = _update(link, tensors, own, step, finite)
            drop = drop or dropped
            states.append(own)
        return tensors, drop, states
    if isinstance(policy, gradclip.Warmup):
        early, late = state or (None, None)
        warm = step < policy.steps
        until, drop, early = _update(policy.until, tensors, early, step, finite)
        left = until if warm else tensors
        acted, late_drop, late = _update(policy.policy, left, late, step, finite)
        return (until, drop, (early, late)) if warm else (acted, late_drop, (early, late))
    if isinstance(policy, gradclip.Clip):
        return _clip(policy, tensors, state, step, finite)
    return _update(policy.policy(), tensors, state, step, finite)


def _clip(policy, tensors, state, step, finite):
    xp = Floats()
    rule = policy._rule()
    states, drop = [], False
    left = [list(tensor) for tensor in tensors]
    groups = _groups(policy.granularity)
    assert resolve_norm(policy.norm).p == 2.0
    for entries, stored in zip(groups, state or itertools.repeat(None), strict=state is not None):
        norm = math.hypot(*(tensors[t][i] for t, i in entries))
        weight = math.hypot(*(WEIGHTS[t].flat[i] for t, i in entries))
        if stored is None:
            stored = map_state(xp.store, rule.init(0.0, xp))
        valid = finite and math.isfinite(norm)
        limit, learned = rule.update(Seen(norm if valid else 1.0, weight, step), stored, xp)
        factor = decide(norm, limit, "propagate", xp)
        drop = drop or (policy.action == "drop" and factor < 1)
        states.append(map_state(xp.store, learned) if valid else stored)
        if policy.action == "rescale" and factor != 1:
            for t, i in entries:
                left[t][i] = tensors[t][i] * factor if factor else 0.0
    return left, drop, states


def _groups(granularity):
    """The places (tensor, entry) that share a norm, group by group."""
    tensors = [[(t, i) for i in range(math.prod(shape))] for t, shape in enumerate(SHAPES)]
    if granularity == "global":
        return [list(itertools.chain(*tensors))]
    if granularity == "tensor":
        return tensors
    if granularity == "layer":
        return [tensors[0] + tensors[1], tensors[2]]
    if granularity == "element":
        return [[place] for tensor in tensors for place in tensor]
    # a unit is what leads to one output: the last axis counts outputs, a vector is one
    return [
        [(t, i) for i in range(math.prod(shape)) if len(shape) == 1 or i % shape[-1] == output]
        for t, shape in enumerate(SHAPES)
        for output in range(shape[-1] if len(shape) > 1 else 1)
    ]


__all__ = ["NAMES", "POLICIES", "STEPS", "WEIGHTS", "Decisions", "gradients", "reference", "shares"]

# ruff: noqa: ARG002, ARG005, FBT003 - the signatures are the protocol's
"""Policies and limits that each break one promise, as users write them."""

import math
from typing import ClassVar, NamedTuple

import numpy as np

import gradclip
from gradclip.core.policies.policy import Verdict


class Own:
    """A policy on the global norm: subclasses say the limit and the next state."""

    eps = 0.0

    def init(self, batch):
        return (1.0,)

    def update(self, batch, state, step):
        norm = float(batch.xp.norm(batch.norms()))
        limit, state = self.decide(norm, state)
        factor = min(1.0, limit / (norm + self.eps)) if norm > 0 else 1.0
        return batch.scaled(factor), Verdict(limit, False), state

    def decide(self, norm, state):
        return 2.0, state


class AbsorbsNan(Own):
    """A running mean that learns from whatever comes."""

    def decide(self, norm, state):
        mean = 0.9 * state[0] + 0.1 * min(norm, 2 * state[0])
        return 2.0 * state[0], (float(np.float32(norm if math.isnan(norm) else mean)),)


class AddsEpsilon(Own):
    eps = 1e-6


class Amplifies(Own):
    """Brings every gradient to the same norm."""

    def update(self, batch, state, step):
        norm = float(batch.xp.norm(batch.norms()))
        return batch.scaled(2.0 / norm if norm > 0 else 1.0), Verdict(2.0, False), state


class DividesByZero(Own):
    def update(self, batch, state, step):
        norm = float(batch.xp.norm(batch.norms()))
        return batch.scaled(min(2.0 / norm, 1.0)), Verdict(2.0, False), state


class GivesNanForZeros(Own):
    def update(self, batch, state, step):
        norm = float(batch.xp.norm(batch.norms()))
        return batch.scaled(1.0 if norm > 0 else math.nan), Verdict(2.0, False), state


class FillsInZeros(Own):
    def update(self, batch, state, step):
        some = batch.settled()
        filled = [np.zeros(1) if t is None else t for t in some.tensors]
        return some.with_tensors(filled), Verdict(2.0, False), state


class HidesState(Own):
    """Counts in the object, which no checkpoint knows."""

    def __init__(self):
        self.calls = 0

    def decide(self, norm, state):
        self.calls += 1
        return 1.0 + 1.0 / self.calls, state


class ChangesItsState(Own):
    def init(self, batch):
        return (np.ones(1, np.float32),)

    def decide(self, norm, state):
        if math.isfinite(norm) and norm > 0:
            state[0][:] = 0.9 * state[0] + 0.1 * min(norm, 2 * float(state[0][0]))
        return 2.0 * float(state[0][0]), state


class KeepsTooManyDigits(Own):
    def decide(self, norm, state):
        if not (math.isfinite(norm) and norm > 0):
            return 2.0 * state[0], state
        return 2.0 * state[0], (0.9 * state[0] + 0.1 * min(norm, 2 * state[0]),)


class CannotBeSaved(Own):
    def init(self, batch):
        return (lambda norm: 2.0,)


class NeedsGradients(Own):
    def update(self, batch, state, step):
        first = next(t for t in batch.tensors if t is not None)
        assert first.size >= 0
        return super().update(batch, state, step)


class DecidesByFramework(Own):
    def update(self, batch, state, step):
        limit = 2.0 if all(isinstance(t, np.ndarray) for t in batch.present) else 0.5
        return gradclip.GlobalNorm(limit).update(batch, state, step)


class Mean(NamedTuple):
    mean: object
    count: object


class ObservesFirst:
    """A limit of twice the running mean, which the norm itself has moved already."""

    relative: ClassVar[bool] = False
    decay = 0.9

    def init(self, like, xp):
        return Mean(xp.zeros(like), xp.zeros(like))

    def update(self, seen, state, xp):
        something = seen.norm > 0
        moved = self.decay * state.mean + (1 - self.decay) * seen.norm
        mean = xp.where(something, xp.where(state.count > 0, moved, seen.norm), state.mean)
        count = xp.where(something, 1.0, state.count)
        limit = xp.where(mean > 0, 2.0 * mean, float("inf"))
        return limit, Mean(mean, count)


class ObservesFirstSlightly(ObservesFirst):
    """The published AutoClip's mistake: a percentile that the norm itself is a part of."""

    def init(self, like, xp):
        return gradclip.Percentile(window=500).init(like, xp)

    def update(self, seen, state, xp):
        rule = gradclip.Percentile(window=500)
        _, state = rule.update(seen, state, xp)
        return rule.update(seen, state, xp)[0], state


class NeverAcceptsALevel(ObservesFirst):
    """The published ZClip's mistake: it learns from what it cut too far."""

    def update(self, seen, state, xp):
        known = state.count > 0
        limit = xp.where(known, 1.5 * state.mean, float("inf"))
        cut = xp.where(seen.norm > limit, state.mean, seen.norm)
        mean = xp.where(known, 0.9 * state.mean + 0.1 * cut, cut)
        something = seen.norm > 0
        return limit, Mean(
            xp.where(something, mean, state.mean), xp.where(something, 1.0, state.count)
        )


class DiesOfZeros(ObservesFirst):
    """The published AdaGC's mistake: the least norm may be 0."""

    def update(self, seen, state, xp):
        known = state.count > 0
        limit = xp.where(known, 2.0 * state.mean, float("inf"))
        cut = xp.where(seen.norm > limit, limit, seen.norm)
        return limit, Mean(
            xp.where(known, 0.9 * state.mean + 0.1 * cut, seen.norm), state.count * 0 + 1.0
        )


BROKEN = {
    AbsorbsNan(): "must teach a policy nothing",
    AddsEpsilon(): "keep every bit and a scale of exactly 1",
    Amplifies(): r"A scale must lie in \[0, 1\]",
    DividesByZero(): "ZeroDivisionError while testing that zeros stay zeros",
    GivesNanForZeros(): "Gradients of 0 must stay",
    FillsInZeros(): "None must stay in its place",
    HidesState(): "Keep all that changes in the state",
    ChangesItsState(): "must return a new state",
    KeepsTooManyDigits(): "must be float32 numbers",
    CannotBeSaved(): "while testing that states can be saved",
    NeedsGradients(): "while testing that no gradients are no error: ",
    gradclip.Clip(limit=ObservesFirst()): "must not raise its own limit",
    gradclip.Clip(limit=ObservesFirst(), granularity="tensor"): "must not raise its own limit",
    gradclip.Clip(limit=ObservesFirstSlightly()): "must not raise its own limit",
    gradclip.Clip(limit=NeverAcceptsALevel()): "must be accepted within 5000 steps",
    gradclip.Clip(limit=DiesOfZeros()): "gradients must come through again",
}

__all__ = ["BROKEN", "DecidesByFramework", "Own"]

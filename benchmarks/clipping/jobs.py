"""What is trained: every length, learning rate, policy and seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

import gradclip
from gradclip.core.policies.policy import Policy
from gradclip.core.policies.resolve import parse_policy
from gradclip.experiments.recurrent.network import Init

Task = Literal["temporal-order", "characters"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One training.

    Attributes:
        task: What is learned.
        init: How weights are drawn.
        policy: What clips, as text; `none` for nothing.
        seed: What weights and batches are drawn from.
        length: Symbols a sequence.
        lr: The learning rate.
        hidden: The hidden units.
        batch_size: Sequences a batch.
        steps: How many batches at most.
    """

    task: Task
    init: Init
    policy: str
    seed: int
    length: int
    lr: float
    hidden: int
    batch_size: int
    steps: int


CLIP = "global-norm=1"  # SGD-C, with the paper's threshold
SEEDS = range(5)  # the paper's number of runs
TEMPORAL_ORDER_STEPS = 12_000  # the paper allowed 5,000,000
LONG, LONG_STEPS = 40, 24_000  # what is learned from such sequences begins later
LENGTHS: dict[Init, tuple[int, ...]] = {"smart-tanh": (10, 20, 30, 40)}
POLICY_LENGTH = 30
POLICY_SEEDS = range(3)
RATES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
POLICY_RATE = 2.0
CHARACTER_CLIP = "global-norm=0.25"
CHARACTER_SEEDS = range(3)
# Limits that are given hold a recurrent matrix to the same norm as the global norm does: 1 over
# its 50 x 50 entries, 0.25 over 100 x 100. Limits that are learned have their published defaults.
ADAPTIVE = ("agc", "autoclip", "zclip", "adagc", "spam")
POLICIES = (
    "none",
    CLIP,
    "norm=1",
    "average-norm=0.0004",
    "block-rms=0.02",
    "value=0.1",
    *ADAPTIVE,
    f"zclip + {CLIP}",  # what ZClip's published code does
)
CHARACTER_POLICIES = (
    "none",
    CHARACTER_CLIP,
    "norm=0.25",
    "average-norm=2.5e-05",
    "block-rms=0.0025",
    "value=0.01",
    *ADAPTIVE,
    f"zclip + {CHARACTER_CLIP}",
)


def lengths() -> Iterator[Job]:
    """Yield SGD and SGD-C for each length: the paper's figure 7."""
    for init, choices in LENGTHS.items():
        for length, seed, policy in product(choices, SEEDS, ("none", CLIP)):
            yield _temporal_order(init, policy, seed, length)


def policies() -> Iterator[Job]:
    """Yield all policies at one length."""
    for policy, seed in product(POLICIES, POLICY_SEEDS):
        yield _temporal_order("smart-tanh", policy, seed, POLICY_LENGTH)


def rates() -> Iterator[Job]:
    """Yield SGD and SGD-C on text for each learning rate."""
    for lr, seed, policy in product(RATES, CHARACTER_SEEDS, ("none", CHARACTER_CLIP)):
        yield _characters(policy, seed, lr)


def character_policies() -> Iterator[Job]:
    """Yield all policies on text, at one learning rate."""
    for policy, seed in product(CHARACTER_POLICIES, CHARACTER_SEEDS):
        yield _characters(policy, seed, POLICY_RATE)


def policy_of(text: str) -> Policy | None:
    """Return the policy that a job names; one after the other where there is a plus.

    Example:
        >>> policy_of("norm=1 + value=0.1").policies[1]
        Value(max_value=0.1)
    """
    first, *more = (parse_policy(part) for part in text.split(" + "))
    return gradclip.Chain(first, *more) if more else first


PARTS = {
    "lengths": lengths,
    "policies": policies,
    "rates": rates,
    "characters": character_policies,
}


def _temporal_order(init: Init, policy: str, seed: int, length: int) -> Job:
    """Return a training with the paper's numbers, but for the updates: it allowed 5,000,000."""
    return Job(
        task="temporal-order",
        init=init,
        policy=policy,
        seed=seed,
        length=length,
        lr=0.01,
        hidden=50,
        batch_size=20,
        steps=TEMPORAL_ORDER_STEPS if length < LONG else LONG_STEPS,
    )


def _characters(policy: str, seed: int, lr: float) -> Job:
    return Job(
        task="characters",
        init="basic-tanh",
        policy=policy,
        seed=seed,
        length=50,
        lr=lr,
        hidden=100,
        batch_size=16,
        steps=900,
    )

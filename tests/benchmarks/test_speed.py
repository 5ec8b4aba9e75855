"""The networks have the sizes that the table names, and timing takes turns."""

import math

import pytest
from benchmarks.speed.shapes import NETWORKS
from benchmarks.speed.timing import Contender, interleave, spread


@pytest.mark.parametrize(
    ("network", "tensors", "entries"),
    [
        ("MLP", 6, 235_146),
        ("ResNet-50", 161, 25_557_032),
        ("2,000 x 1k", 2000, 2_000_000),
        ("GPT-2", 148, 124_439_808),
    ],
)
def test_a_network_has_its_published_size(network, tensors, entries):
    shapes = NETWORKS[network]
    assert (len(shapes), sum(map(math.prod, shapes))) == (tensors, entries)


def test_every_round_has_each_contender_once_after_what_prepares_it():
    calls = []
    contenders = [
        Contender(name, lambda name=name: calls.append(name), prepare=lambda: calls.append(""))
        for name in "abc"
    ]
    timings = interleave(contenders, seconds=0.01, max_rounds=6)
    assert calls[::2] == [""] * (len(calls) // 2)
    turns = calls[1::2]
    rounds = [sorted(turns[i : i + 3]) for i in range(0, len(turns), 3)]
    assert rounds == [["a", "b", "c"]] * len(rounds)
    assert [timing.rounds for timing in timings] == [len(rounds) - 2] * 3


def test_ratios_are_to_the_first_of_the_group():
    contenders = [Contender(name, lambda: sum(range(99)), name[0]) for name in ("a1", "b1", "b2")]
    first, second, third = interleave(contenders, seconds=0)
    assert first.ratio == second.ratio == (1, 1, 1)
    assert third.ratio.low <= third.ratio.median <= third.ratio.high


def test_what_is_far_slower_has_few_rounds():
    contenders = [Contender("", int), Contender("", lambda: sum(range(10**6)))]
    first, slow = interleave(contenders, seconds=1.0)
    assert slow.rounds < first.rounds


def test_a_spread_is_a_median_and_quartiles():
    assert spread([4.0, 1.0, 2.0, 3.0, 5.0]) == (3.0, 1.5, 4.5)

"""The networks have the sizes that the table names, and timing takes turns."""

import math

import pytest
from benchmarks.speed.shapes import NETWORKS
from benchmarks.speed.timing import interleave


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


def test_contenders_take_turns():
    calls = []
    timings = interleave([lambda: calls.append("own"), lambda: calls.append("peer")])
    assert calls == ["own", "peer"] * (len(calls) // 2)
    assert all(0 <= timing.low <= timing.median <= timing.high for timing in timings)

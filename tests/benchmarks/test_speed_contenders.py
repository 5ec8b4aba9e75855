"""Who is timed does what the name says: clips at the threshold, or leaves gradients alone."""

import numpy as np
import pytest
import torch
from benchmarks.speed.contenders.case import case, norm
from benchmarks.speed.contenders.gradients import Gradients
from benchmarks.speed.contenders.torch import contenders_of
from benchmarks.speed.library import without_library
from benchmarks.speed.limit import LIMIT, limit
from benchmarks.speed.shapes import SHAPES, TINY

from gradclip.torch import on_host

pytestmark = [
    pytest.mark.torch,
    pytest.mark.trainers,
    pytest.mark.filterwarnings("ignore:The same gradients are clipped twice"),  # on purpose
]


def after_turns(given, group):
    """Return all gradients as one vector after three turns of each contender."""
    gradients, found = Gradients(given), {}
    for contender in contenders_of(gradients):
        if contender.group == group:
            for _ in range(3):
                contender.prepare()
                contender.run()
            found[contender.name] = torch.cat([g.ravel() for g in gradients.list]).numpy()
    return found


@pytest.mark.parametrize("clips", [False, True])
def test_each_clips_the_norm_where_there_is_something_to_clip(clips):
    given = case(SHAPES[TINY], clips=clips, threads=1)
    for name, entries in after_turns(given, "2-norm").items():
        expected = given.limit if clips and "no clip" not in name else norm(given.entries)
        assert norm(entries) == pytest.approx(expected, rel=1e-4), name


@pytest.mark.parametrize("clips", [False, True])
def test_each_clips_the_largest_modulus(clips):
    given = case(SHAPES[TINY], clips=clips, threads=1)
    largest = np.abs(given.entries).max() * (0.5 if clips else 1)
    for name, entries in after_turns(given, "largest modulus").items():
        assert np.abs(entries).max() == pytest.approx(largest, rel=1e-4), name


def test_all_peers_take_part():
    given = Gradients(case(SHAPES[TINY], clips=True, threads=1))
    names = {contender.name for contender in contenders_of(given)}
    assert {"zclip ZClip", "autoclip QuantileClip", "smartclip AutoClip"} < names


def test_without_the_library_pytorch_works_alone():
    tensors = [torch.ones(3)]
    with without_library():
        assert on_host.table(tensors) is None


def test_the_limit_is_the_norm_of_all_entries():
    contender = limit(np.full(10**6, 0.5, np.float32), threads=1)
    assert contender.name == LIMIT
    assert contender.run() == pytest.approx(500.0)

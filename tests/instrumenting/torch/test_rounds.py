"""Tests of steps that are put together, and read many at once."""

import math

import pytest
import torch

from gradclip.instrumenting.torch.looking import Looks
from gradclip.instrumenting.torch.optimizers import Trained
from gradclip.instrumenting.torch.rounds import Part, numbers, summary
from gradclip.instrumenting.torch.seen import Unless
from gradclip.kernels import cpu
from gradclip.record import Metadata, Parameter, RunWriter
from gradclip.record.block import blocks_of
from gradclip.record.reading import Reading
from gradclip.record.together import Step, stretches

SIZES = (3, 1, 4)


def trained(sizes, first=0):
    """Return what an optimizer trains, named by place."""
    parameters = [torch.nn.Parameter(torch.ones(size)) for size in sizes]
    optimizer = torch.optim.SGD(parameters)
    found = Trained(optimizer)
    found.refresh()
    found.name({id(p): f"p{first + i}" for i, p in enumerate(parameters)})
    return found


def seen(own, scale):
    """Return what is seen of gradients, some of them zero, huge, or not finite."""
    for parameter in own.parameters:
        parameter.grad = scale * torch.randn_like(parameter.data)
        drawn = int(torch.randint(20, ()))
        parameter.grad[0] = dict(enumerate((1e30, math.inf, math.nan))).get(drawn, 0.0)
    return Looks(own.parameters).look()


def part(own, step):
    """Return an optimizer's part in a step."""
    before = seen(own, 1.0)
    after = seen(own, 0.1) if step % 40 < 30 else before
    limit = (1.0, 2, math.inf, math.nan)[step // 50 % 4]
    return Part(
        trained=own,
        names=own.names,
        before=before,
        after=after,
        limit=limit,
        skipped=step % 17 == 0,
    )


def made(several, count=200):
    """Return the parts of some steps, of one optimizer or of two."""
    torch.manual_seed(0)
    optimizers = [trained(SIZES[:1]), trained(SIZES[1:], 1)] if several else [trained(SIZES)]
    steps = []
    for step in range(count):
        parts = [part(own, step) for own in optimizers]
        for one in parts:
            one.loss = None if step % 23 == 0 else torch.tensor(0.1 * step)
            one.learning_rate = 1e-3
            if step % 10 == 0:
                norms = torch.rand(len(one.names))
                one.changed = {"weight_norms": norms, "update_norms": 0.1 * norms}
        if step % 31 == 0:  # as where a fused optimizer drops its step
            parts[0].skipped = torch.tensor(1.0)
            parts[0].after = Unless(parts[0].skipped, parts[0].after)
        steps.append(parts)
    return steps


def written(steps, read, folder):
    """Return what a run's files hold of steps that are read in some way."""
    metadata = Metadata(
        program="",
        framework="torch",
        framework_version="",
        gradclip="",
        python="",
        parameters=tuple(Parameter(f"p{i}", (size,)) for i, size in enumerate(SIZES)),
    )
    given = [
        Step(
            step=i,
            time=0.1 * i,
            report=summary(parts),
            places=None,
            numbers=numbers(parts),
            lost=0,
        )
        for i, parts in enumerate(steps)
    ]
    with RunWriter(folder, metadata) as writer:
        writer.append(*read(given))
    return {path.name: path.read_bytes() for path in folder.glob("*.records")}


@pytest.mark.parametrize("several", [False, True])
def test_steps_that_are_read_at_once_are_as_those_that_are_not(tmp_path, several):
    steps, reading = made(several), Reading(len(SIZES))
    together = written(steps, reading.blocks, tmp_path / "together")
    alone = written(steps, lambda given: blocks_of(reading.records(given)), tmp_path / "alone")
    assert together == alone
    assert any(name.startswith("updates") for name in together)


@pytest.mark.skipif(not cpu.available(), reason="the C library reads plain gradients")
@pytest.mark.parametrize("several", [False, True])
def test_nearly_all_steps_of_plain_gradients_are_read_at_once(several):
    reports = [summary(parts) for parts in made(several)]
    given = [Step(i, 0.0, report, None, {}, 0) for i, report in enumerate(reports)]
    at_once = [some for together, some in stretches(given) if together]
    assert sum(map(len, at_once)) == 200 - 7
    for some in at_once:
        found = type(some[0].report).together([step.report for step in some])
        assert found["norms_before"].shape == (len(some), len(SIZES))

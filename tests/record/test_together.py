"""Tests of reading many steps at once: a run's files are as those of one step after the other."""

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradclip.core.statistics import Statistics
from gradclip.record import Metadata, Parameter, RunWriter, read_run
from gradclip.record.reading import Reading
from gradclip.record.together import Step, stretches

NAMES = ("w", "b", "frozen")


class Plain:
    """A report that must be read alone."""

    statistics = None

    def __init__(self, before, after, numbers, counts):
        self.parts_before, self.parts_after = before, after
        self.norm_before, self.norm_after, self.scale, self.limit = numbers
        self.skipped = self.scale == 0.0
        if counts is not None:
            self.statistics = Statistics(None, None, before, counts, counts)


class Joined(Plain):
    """The same, which can be read with others."""

    @property
    def form(self):
        return len(self.parts_before), self.parts_before.dtype, self.statistics is None

    @classmethod
    def together(cls, reports):
        def stacked(name):
            return np.stack([getattr(report, name) for report in reports])

        found = {"norms_before": stacked("parts_before"), "norms_after": stacked("parts_after")}
        found |= {name: stacked(name) for name in ("scale", "limit", "skipped")}
        found |= {f"global_{name}": stacked(name) for name in ("norm_before", "norm_after")}
        if reports[0].statistics is not None:
            for name in ("largest", "nonfinite", "zeros"):
                found[name] = np.stack([getattr(r.statistics, name) for r in reports])
        return found


NORM = st.sampled_from([0.0, 1.0, 3.5, 1e-30, 1e300, math.inf, math.nan])
KNOWN = st.sampled_from([None, 1, 2.5, math.nan, np.float32(0.1)])


@st.composite
def given_steps(draw):
    """Return what some steps are made of."""
    number, made = 0, []
    for _ in range(draw(st.integers(1, 12))):
        number = max(number + draw(st.sampled_from([1] * 9 + [5, -2])), 0)
        size = draw(st.sampled_from([3, 3, 3, 2]))
        norms = st.lists(NORM, min_size=size, max_size=size)
        real = draw(st.sampled_from(["f8", "f8", "f8", "f4"]))
        with np.errstate(over="ignore"):
            before, after = (np.array(draw(norms)).astype(real) for _ in range(2))
        counted = draw(st.sampled_from([True, True, True, False]))
        numbers = [draw(NORM) for _ in range(4)]
        noted = {name: draw(KNOWN) for name in draw(st.sets(st.sampled_from(["loss", "accuracy"])))}
        if draw(st.integers(0, 4)) == 0:
            noted["update_norms"] = np.array(draw(norms))
            noted |= draw(st.sampled_from([{}, {"weight_norms": np.ones(size)}]))
        if draw(st.integers(0, 20)) == 0:
            noted["nonsense"] = 1.0
        counts = np.arange(size) if counted else None
        lost = draw(st.sampled_from([0, 0, 0, 2]))
        made.append((number, (before, after, numbers, counts), noted, lost))
    return made


def recorded(kind, made, folder, batch):
    """Record steps, some at a time, and return the files' bytes by their names."""
    places = [2, 0]
    metadata = Metadata(
        program="",
        framework="numpy",
        framework_version="",
        gradclip="",
        python="",
        parameters=tuple(Parameter(name, (1,)) for name in NAMES),
    )
    reading = Reading(len(NAMES))
    with RunWriter(folder, metadata) as writer:
        for start in range(0, len(made), batch):
            writer.append(
                *reading.blocks(
                    [
                        Step(
                            step=number,
                            time=0.5 * i,
                            report=kind(*report),
                            places=None if len(report[0]) == len(NAMES) else places,
                            numbers=noted,
                            lost=lost,
                        )
                        for i, (number, report, noted, lost) in enumerate(
                            made[start:][:batch], start
                        )
                    ]
                )
            )
    return {path.name: path.read_bytes() for path in folder.glob("*.records")}


@given(given_steps())
@settings(max_examples=60, deadline=None)
def test_steps_that_are_read_at_once_are_written_as_those_that_are_not(made):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone = recorded(Plain, made, folder / "alone", 1)
        assert recorded(Joined, made, folder / "together", len(made)) == alone
        assert recorded(Joined, made, folder / "some", 5) == alone


@pytest.mark.parametrize("batch", [7, 150, 512])
def test_summaries_do_not_depend_on_how_many_steps_are_written_at_once(tmp_path, batch):
    rng = np.random.default_rng(0)
    made = []
    for number in range(1100):
        before = rng.lognormal(size=3) * rng.choice([1.0, 0.0, np.inf], p=[0.98, 0.01, 0.01])
        numbers = [*rng.lognormal(size=3), 1.0]
        made.append((number, (before, before / 2, numbers, np.arange(3)), {"loss": 1.0}, 0))
    alone = recorded(Plain, made, tmp_path / "alone", 1)
    assert any(name.startswith("summaries-1024") for name in alone)
    assert recorded(Joined, made, tmp_path / "together", batch) == alone


def step(number, report, noted=None):
    """Return a step of all parameters."""
    return Step(step=number, time=0.0, report=report, places=None, numbers=noted or {}, lost=0)


def report(kind=Joined, size=3):
    return kind(np.ones(size), np.ones(size), [np.float64(1.0)] * 4, None)


def test_neighbours_of_one_form_are_read_at_once():
    steps = [
        step(0, report()),
        step(1, report()),
        step(2, report(Plain)),
        step(3, report(size=2)),
        step(4, report()),
    ]
    found = [(together, [s.step for s in some]) for together, some in stretches(steps)]
    assert found == [(True, [0, 1]), (False, [2]), (True, [3]), (True, [4])]


def test_one_that_cannot_be_read_is_lost_alone_and_is_told():
    reading = Reading(3)
    broken = step(1, report(), {"loss": "no number"})
    blocks = reading.blocks([step(0, report()), broken, step(2, report()), step(3, report(Plain))])
    assert [block.steps.tolist() for block in blocks] == [[0, 2], [3]]
    assert [block.lost.tolist() for block in blocks] == [[0, 1], [0]]
    assert reading.refused == 1
    assert "no number" in str(reading.trouble)


def test_a_step_that_could_not_be_read_is_told_by_the_next_ones(tmp_path):
    reading = Reading(3)
    assert not reading.blocks([step(0, "no report")])
    (block,) = reading.blocks([step(1, report()), step(2, report())])
    assert block.lost.tolist() == [1, 0]


def test_what_is_read_together_is_read_back(tmp_path):
    made = [
        (i, (np.full(3, i), np.ones(3), [1.0 * i, 1.0, 0.5, 2.0], None), {"loss": i}, 0)
        for i in range(9)
    ]
    recorded(Joined, made, tmp_path / "run", 9)
    run = read_run(tmp_path / "run")
    assert run.loss.tolist() == list(range(9))
    assert run.norms_before[:, 1].tolist() == list(range(9))
    assert (run.limit == 2.0).all()

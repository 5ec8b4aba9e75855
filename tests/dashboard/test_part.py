"""Tests of reading some steps alone, and of not reading again what is known."""

from dataclasses import fields

import numpy as np
from tests.dashboard.conftest import Training, train

import gradclip
from gradclip.dashboard.part import NumbersMemory, PartReader
from gradclip.dashboard.ranges import Range


def check(path, memory):
    """Check what is remembered and joined against what is read at once."""
    found = PartReader(path, Range(), memory).numbers()
    expected = gradclip.open_run(path).numbers()
    for name in (f.name for f in fields(expected)):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    return found


def test_a_part_is_all_there_is_unless_other_steps_are_asked_for(tmp_path):
    train(tmp_path / "mine")
    reader = PartReader(tmp_path / "mine", Range(first=10, last=19), NumbersMemory())
    assert reader.numbers().steps.tolist() == list(range(10, 20))
    assert reader.thin(1).rows.tolist() == [10]
    assert reader.thin(1, first=0, last=4).rows.tolist() == [5]


def test_of_a_run_that_grows_the_new_steps_alone_are_read(tmp_path):
    memory, training = NumbersMemory(), Training(tmp_path / "mine")
    assert len(check(tmp_path / "mine", memory).steps) == 0
    for count in (3, 0, 40, 1):
        training.step(count)
        check(tmp_path / "mine", memory)
    known = memory.known(tmp_path / "mine")
    assert check(tmp_path / "mine", memory) is known
    training.end()


def test_a_run_that_went_back_is_read_again(tmp_path):
    memory = NumbersMemory()
    train(tmp_path / "mine", steps=10)
    check(tmp_path / "mine", memory)
    resumed = Training(tmp_path / "mine", resume=True)
    resumed.clipper([np.ones(shape) for shape in resumed.shapes], names=resumed.names)
    resumed.recorder.record(resumed.clipper.report, step=5)
    resumed.end()
    assert check(tmp_path / "mine", memory).steps.tolist() == [0, 1, 2, 3, 4, 5]

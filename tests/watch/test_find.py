"""Tests of finding the run that is meant."""

import os

import pytest
from tests.watch.conftest import WEIGHTS

from gradclip.record import Recorder
from gradclip.watch.find import find_run


@pytest.fixture
def folder(tmp_path):
    for age, name in enumerate(["new", "old"]):
        Recorder(tmp_path / name, WEIGHTS).close()
        for path in (tmp_path / name).iterdir():
            os.utime(path, (1e9 - age, 1e9 - age))
    return tmp_path


def test_a_run_is_itself(folder):
    found = find_run(folder / "old")
    assert (found.path, found.others) == (folder / "old", ())


def test_of_several_the_newest_is_chosen_and_the_others_are_said(folder):
    found = find_run(folder)
    assert (found.path, found.others) == (folder / "new", ("old",))


def test_a_folder_without_a_run_is_left_to_the_reader(tmp_path):
    assert find_run(tmp_path).path == tmp_path

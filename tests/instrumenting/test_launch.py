"""Tests of the environment in which programs are followed."""

import os

from gradclip.instrumenting.launch import START, followed, unfollowed
from gradclip.instrumenting.settings import Settings


def test_the_hook_comes_first_and_once():
    given = {"PYTHONPATH": os.pathsep.join(["a", "b"])}
    once = followed(given, Settings())
    assert once["PYTHONPATH"].split(os.pathsep) == [str(START), "a", "b"]
    assert followed(once, Settings()) == once


def test_an_empty_path_adds_no_place():
    assert followed({"PYTHONPATH": ""}, Settings())["PYTHONPATH"] == str(START)


def test_earlier_settings_are_gone():
    environ = followed({"GRADCLIP_RUN_STEPS": "3", "HOME": "/"}, Settings(out="mine"))
    assert "GRADCLIP_RUN_STEPS" not in environ
    assert (environ["HOME"], environ["GRADCLIP_RUN_OUT"]) == ("/", "mine")


def test_all_can_be_taken_back():
    given = {"PYTHONPATH": "a", "HOME": "/"}
    assert unfollowed(followed(given, Settings())) == given
    assert unfollowed(followed({}, Settings())) == {}

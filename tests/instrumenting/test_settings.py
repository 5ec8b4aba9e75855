"""Tests of the settings and of their way through the environment."""

from pathlib import Path

import pytest

from gradclip.errors import ConfigurationError
from gradclip.instrumenting.settings import Settings, from_environment, numbered

ALL = {
    "out": "runs/mine",
    "clip": "zclip=3,decay=0.9",
    "steps": 3,
    "every": 2,
    "quiet": True,
    "tensorboard": "logs",
    "serve": True,
}


def test_they_come_through_the_environment_as_they_were():
    for settings in (Settings(), Settings(**ALL)):
        assert from_environment(settings.environment()) == settings


def test_what_is_missing_or_empty_is_the_default():
    assert from_environment({"GRADCLIP_RUN_STEPS": "", "HOME": "/"}) == Settings()


@pytest.mark.parametrize(("text", "value"), [("1", True), ("yes", True), ("0", False)])
def test_switches_are_written_as_people_do(text, value):
    assert from_environment({"GRADCLIP_RUN_QUIET": text}).quiet is value


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"STEPS": "x"}, "GRADCLIP_RUN_STEPS must be a whole number, got 'x'"),
        ({"STEPS": "0"}, "`steps` must be 1 or more, got 0"),
        ({"EVERY": "-1"}, "`every` must be 1 or more"),
        ({"CLIP": "magic"}, "A clipping must be one of"),
    ],
)
def test_a_wrong_variable_is_named(environ, message):
    with pytest.raises(ConfigurationError, match=message):
        from_environment({f"GRADCLIP_RUN_{name}": text for name, text in environ.items()})


def test_the_first_process_has_the_name_itself():
    assert numbered(Path("a.b"), 1) == Path("a.b")
    assert numbered(Path("a.b"), 3) == Path("a.b-3")

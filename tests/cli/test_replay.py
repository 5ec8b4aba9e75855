"""Tests of `gradclip replay`."""

from tests.cli.conftest import gradclip

from gradclip.cli.replay import replay_command


def test_the_options_are_frozen():
    assert [p.opts[0] for p in replay_command.params] == ["run", "policies", "--share"]


def test_the_clippings_that_are_asked_for_are_replayed(demo):
    _, folder = demo
    done = gradclip("replay", folder, "global-norm=0", "zclip")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["global-norm=0", "3", "100", "%", "0", "0"] in lines
    assert ["zclip", "0", "0", "%", "0", "1"] in lines
    assert lines[3][:3] == ["global-norm=15", "(as", "recorded)"]


def test_a_threshold_is_suggested(demo):
    done = gradclip("replay", demo[1])
    assert "would have clipped 0 % of 3 steps" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()[5:8]] == [
        "autoclip",
        "zclip",
        "adagc",
    ]


def test_what_was_not_recorded_is_one_message(demo):
    done = gradclip("replay", demo[1], "value=1")
    assert done.returncode == 2
    assert "recorded 2-norms only" in done.stderr
    assert gradclip("replay", "nowhere").returncode == 1

"""Tests of `gradclip policies`."""

from tests.cli.conftest import gradclip

from gradclip.cli.policies import _EXAMPLES
from gradclip.core.policies.resolve import METHODS, parse_policy


def test_every_policy_is_a_line_with_its_defaults_and_an_example():
    done = gradclip("policies")
    assert done.returncode == 0
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == list(METHODS)
    zclip = next(line for line in lines if line[0] == "zclip")
    assert "spike" in zclip[1]
    assert zclip[2:] == ["threshold=2.5, decay=0.97, warmup=25", "--clip zclip=2.5,decay=0.97"]


def test_a_terminal_gets_a_table():
    done = gradclip("policies", FORCE_COLOR="1", COLUMNS="100", TERM="xterm")
    assert "what it does" in done.stdout
    assert all(name in done.stdout for name in METHODS)


def test_every_example_is_a_policy():
    assert list(_EXAMPLES) == list(METHODS)
    for name, text in _EXAMPLES.items():
        assert isinstance(parse_policy(text), METHODS[name])

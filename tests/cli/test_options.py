"""Tests of what options take."""

import click
import pytest

from gradclip.cli.options import Names, Widths


@pytest.mark.parametrize("text", ["", "256,", "a", "1.5"])
def test_widths_must_be_whole_numbers(text):
    with pytest.raises(click.BadParameter, match="256,128"):
        Widths().convert(text, None, None)


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(click.BadParameter, match="Did you mean no-clip"):
        Names(("clip", "no-clip", "native")).convert("clip,no-clp", None, None)


@pytest.mark.parametrize("text", ["clip", "clip,clip", "clip,no-clip,clip"])
def test_names_must_be_two_or_more_each_once(text):
    with pytest.raises(click.BadParameter, match="each once"):
        Names(("clip", "no-clip")).convert(text, None, None)

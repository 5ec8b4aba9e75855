"""Tests of the numbers that JSON cannot hold."""

import json
import math
from pathlib import Path

from gradclip.record.encoding import decode, encode, to_line


def test_non_finite_numbers_travel_as_strings():
    assert encode([math.nan, math.inf, -math.inf, 1.5]) == ["NaN", "Infinity", "-Infinity", 1.5]


def test_decoding_undoes_encoding():
    value = {"a": [1, 2.5, None, True, "text"], "b": {"c": math.inf}}
    assert decode(encode(value)) == value


def test_what_json_does_not_know_becomes_text():
    assert encode({1: Path("runs")}) == {"1": "runs"}


def test_a_line_is_strict_json():
    line = to_line({"loss": math.nan})
    assert line.endswith("\n")
    assert json.loads(line) == {"loss": "NaN"}

"""Tests of what a request may ask for."""

import pytest

from gradclip.dashboard.ranges import Range, Slice, parse_buckets, parse_range, parse_slice
from gradclip.errors import ConfigurationError


@pytest.mark.parametrize("text", ["0", "2001", "-1", "1e3", "", " 7", "\u0667", "9" * 30, "nan"])
def test_buckets_out_of_range_are_refused(text):
    with pytest.raises(ConfigurationError, match="`buckets` must be a whole number from 1 to 2000"):
        parse_buckets({"buckets": text})


@pytest.mark.parametrize("query", [{"first": "-1"}, {"last": "x"}, {"first": "5", "last": "4"}])
def test_steps_that_are_none_are_refused(query):
    with pytest.raises(ConfigurationError, match="must"):
        parse_range(query)


def test_ends_that_are_left_empty_are_open():
    assert parse_range({"first": "", "last": "7"}) == Range(last=7)


@pytest.mark.parametrize(
    "query", [{"count": "501"}, {"first": "-1"}, {"search": "x" * 201}, {"sort": "__class__"}]
)
def test_too_much_of_the_table_is_refused(query):
    with pytest.raises(ConfigurationError, match="must be"):
        parse_slice(query)


def test_a_slice_is_read():
    query = {"first": "5", "count": "7", "search": "w", "grouped": "1", "sort": "-kept"}
    expected = Slice(first=5, count=7, search="w", grouped=True, sort="kept", falling=True)
    assert parse_slice(query) == expected

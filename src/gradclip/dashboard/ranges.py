"""Reads what a request asks for, and refuses what is too much."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from gradclip.errors import ConfigurationError

MAX_BUCKETS = 2000  # more than any screen is wide
MAX_ROWS = 500  # of the table, at once
MAX_TEXT = 200  # characters of a search
MAX_COMPARED = 12  # as many as can be told apart

Sort = Literal["place", "name", "last", "mean", "largest", "kept", "broken"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Which steps, both included; None for as many as there are.

    Attributes:
        first: The first step.
        last: The last step.
    """

    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """Which rows of the layer table.

    Attributes:
        first: The first row, from 0.
        count: How many.
        search: What a name must hold, whatever the case.
        prefix: What a name must begin with.
        grouped: Whether the layers of one prefix are one row.
        sort: What the rows are sorted by.
        falling: Whether the greatest comes first.
    """

    first: int = 0
    count: int = 100
    search: str = ""
    prefix: str = ""
    grouped: bool = False
    sort: Sort = "place"
    falling: bool = False


def parse_buckets(query: Mapping[str, str]) -> int:
    """Return how many buckets are asked for.

    Raises:
        ConfigurationError: It is no number from 1 to 2000.

    Example:
        >>> parse_buckets({"buckets": "300"}), parse_buckets({})
        (300, 600)
    """
    return _number(query, "buckets", 600, 1, MAX_BUCKETS)


def parse_range(query: Mapping[str, str]) -> Range:
    """Return which steps are asked for.

    Raises:
        ConfigurationError: They are no steps, or the last is before the first.

    Example:
        >>> parse_range({"first": "10"})
        Range(first=10, last=None)
    """
    first, last = (
        _number(query, name, 0, 0, 10**15) if query.get(name) else None
        for name in ("first", "last")
    )
    if first is not None and last is not None and last < first:
        msg = f"`last` must not be less than `first`, got {first} to {last}."
        raise ConfigurationError(msg)
    return Range(first=first, last=last)


def parse_place(query: Mapping[str, str]) -> int:
    """Return which layer is asked for.

    Raises:
        ConfigurationError: It is no number.

    Example:
        >>> parse_place({"place": "3"})
        3
    """
    return _number(query, "place", 0, 0, 10**9)


def parse_slice(query: Mapping[str, str]) -> Slice:
    """Return which rows of the table are asked for.

    Raises:
        ConfigurationError: A number, a text or the order breaks its rule.

    Example:
        >>> parse_slice({"sort": "-largest", "count": "20"}).falling
        True
    """
    for name in ("search", "prefix"):
        if len(query.get(name, "")) > MAX_TEXT:
            msg = f"`{name}` must be at most {MAX_TEXT} characters, got {len(query[name])}."
            raise ConfigurationError(msg)
    sort = query.get("sort", "place")
    name = sort.removeprefix("-")
    if name not in get_args(Sort):
        msg = f"`sort` must be one of {', '.join(get_args(Sort))}, or that after a -, got {sort!r}."
        raise ConfigurationError(msg)
    return Slice(
        first=_number(query, "first", 0, 0, 10**9),
        count=_number(query, "count", 100, 1, MAX_ROWS),
        search=query.get("search", ""),
        prefix=query.get("prefix", ""),
        grouped=query.get("grouped") == "1",
        sort=name,  # type: ignore[arg-type]  # one of them, as was asked above
        falling=sort.startswith("-"),
    )


def _number(query: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """Return a whole number in a range."""
    text = query.get(name, str(default))
    if not re.fullmatch(r"\d{1,16}", text, re.ASCII) or not least <= int(text) <= most:
        msg = f"`{name}` must be a whole number from {least} to {most}, got {text[:40]!r}."
        raise ConfigurationError(msg)
    return int(text)

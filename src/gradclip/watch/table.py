"""The lines of the layer table: only those that are seen are ever made."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from gradclip.report.wording import number, percent
from gradclip.watch.layers import NAME, Layers, Order
from gradclip.watch.names import shortened

_NUMBER = 9  # cells of a column of numbers
_NAME = 12  # cells that long names need
_TITLE = 8  # cells of the title over names
TITLES = {
    "before": "before",
    "after": "after",
    "scale": "scale",
    "update": "upd/wgt",
    "largest": "largest",
    "nonfinite": "NaN/inf",
    "zeros": "zeros",
}
_UNCHANGED = 1e-6  # float32 rounding


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """Which columns there are, and how wide names are.

    Attributes:
        name_width: Cells for names.
        columns: The columns of numbers, from left to right.
    """

    name_width: int
    columns: tuple[str, ...]

    def column_at(self, cell: int) -> str:
        """Return which column is at a cell of a line.

        Example:
            >>> Form(name_width=12, columns=("before", "after")).column_at(13)
            'before'
        """
        place = (cell - self.name_width) // _NUMBER
        return NAME if cell < self.name_width else self.columns[min(place, len(self.columns) - 1)]


def form_of(layers: Layers, width: int) -> Form:
    """Return the columns that fit; what is rarely looked at is left out first."""
    longest = max(map(len, layers.names), default=0) + 1
    known = [key for key in TITLES if key in layers.columns]
    columns = tuple(known[: max((width - min(longest, _NAME)) // _NUMBER, 1)])
    room = max(width - _NUMBER * len(columns), 1)
    return Form(name_width=min(max(longest, _TITLE), room), columns=columns)


def heading(form: Form, order: Order) -> Text:
    """Return the line above the table, with an arrow at the column that orders it."""
    line = Text(no_wrap=True, end="")
    arrow = "▲" if order.rising else "▼"
    name = f"layer {arrow}" if order.key == NAME else "layer"
    line.append(f"{name:<{form.name_width}}", "bold")
    for key in form.columns:
        title = f"{arrow} {TITLES[key]}" if order.key == key else TITLES[key]
        line.append(f"{title:>{_NUMBER}}", "bold cyan" if order.key == key else "bold")
    return line


def row(layers: Layers, place: int, form: Form) -> Text:
    """Return one layer's line."""
    line = Text(no_wrap=True, end="")
    name = shortened(layers.names[place], form.name_width - 1)
    line.append(f"{name:<{form.name_width}}")
    for key in form.columns:
        value = float(layers.columns[key][place])
        line.append(f"{_text(key, value):>{_NUMBER}}", _style(key, value))
    return line


def next_key(keys: Sequence[str | None], key: str | None) -> str | None:
    """Return the key after one, the first after the last.

    Example:
        >>> next_key([None, "name", "before"], "before") is None
        True
    """
    return keys[(keys.index(key) + 1) % len(keys)] if key in keys else keys[0]


def _text(key: str, value: float) -> str:
    """Return a cell's text."""
    if key in {"scale", "update", "zeros", "nonfinite"} and math.isnan(value):
        return "-"
    if key == "zeros":
        return percent(value)
    if key == "scale" and abs(value - 1) < _UNCHANGED:
        return "1"
    return f"{value:,.0f}" if key == "nonfinite" else number(value)


def _style(key: str, value: float) -> str:
    """Return a cell's style: what is as it should be is quiet."""
    if key == "nonfinite":
        return "bold red" if value > 0 else "dim"
    if key == "scale":
        return "yellow" if value < 1 - _UNCHANGED else "dim"
    if key in {"before", "after", "largest"} and not math.isfinite(value):
        return "bold red"
    return "dim" if math.isnan(value) or value == 0 else ""

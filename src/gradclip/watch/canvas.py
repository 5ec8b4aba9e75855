"""Dots in a terminal's cells: eight in each as Braille, or one where there is only ASCII."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

Dots = NDArray[np.bool_]
# The bits of a Braille character's dots, row by row: U+2800 has none of them.
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BLANK = 0x2800


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """A picture's size.

    Attributes:
        width: Cells in a line.
        height: Lines.
        plain: Whether it must do with ASCII.
    """

    width: int
    height: int
    plain: bool = False

    @property
    def columns(self) -> int:
        """How many dots are in a row."""
        return self.width if self.plain else 2 * self.width

    @property
    def rows(self) -> int:
        """How many dots are in a column."""
        return self.height if self.plain else 4 * self.height


@dataclass(frozen=True, slots=True)
class Layer:
    """Dots of one colour; they hide those of layers before.

    Attributes:
        dots: Where there is one, (rows, columns), the upper row first.
        style: Their colour.
        mark: What stands for them in ASCII.
    """

    dots: Dots
    style: str
    mark: str = "*"


def painted(grid: Grid, layers: list[Layer]) -> list[Text]:
    """Return layers on top of each other as lines of text.

    A cell has the colour of the uppermost layer that has a dot in it, and the dots of all.

    Example:
        >>> dots = np.array([[False, True], [False, True], [True, True], [True, True]])
        >>> [line.plain for line in painted(Grid(width=1, height=1), [Layer(dots, "red")])]
        ['⣼']
    """
    shape = (grid.height, grid.width)
    codes = np.zeros(shape, dtype=np.int64)
    owners = np.full(shape, -1)
    for place, layer in enumerate(layers):
        bits = _bits(grid, layer.dots)
        codes |= bits
        owners[bits > 0] = place
    return [_line(grid, layers, codes[row], owners[row]) for row in range(grid.height)]


def _bits(grid: Grid, dots: Dots) -> NDArray[np.int64]:
    """Return what each cell's dots add up to, (height, width)."""
    if grid.plain:
        return dots.astype(np.int64)
    cells = dots.reshape(grid.height, 4, grid.width, 2).transpose(0, 2, 1, 3)
    return np.asarray((cells * _BITS).sum(axis=(2, 3)))


def _line(
    grid: Grid, layers: list[Layer], codes: NDArray[np.int64], owners: NDArray[np.int64]
) -> Text:
    """Return a line, one piece of text for neighbours of one colour."""
    line = Text(no_wrap=True, end="")
    starts = np.flatnonzero(np.diff(owners, prepend=-2))
    for start, stop in zip(starts, [*starts[1:], grid.width], strict=True):
        owner = int(owners[start])
        if owner < 0:
            line.append(" " * (stop - start))
        elif grid.plain:
            line.append(layers[owner].mark * (stop - start), layers[owner].style)
        else:
            text = "".join(chr(_BLANK + code) for code in codes[start:stop].tolist())
            line.append(text, layers[owner].style)
    return line

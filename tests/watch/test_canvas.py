"""Tests of dots in cells."""

import numpy as np

from gradclip.watch.canvas import Grid, Layer, painted


def test_a_cell_has_the_colour_of_the_uppermost_layer_and_the_dots_of_all():
    lower, upper = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    lower[0] = True
    upper[3, :2] = True
    line = painted(Grid(width=2, height=1), [Layer(lower, "red"), Layer(upper, "green")])[0]
    assert line.plain == "⣉⠉"
    assert [(span.start, span.end, span.style) for span in line.spans] == [
        (0, 1, "green"),
        (1, 2, "red"),
    ]


def test_ascii_has_one_dot_a_cell():
    dots = np.array([[True, False], [False, True]])
    grid = Grid(width=2, height=2, plain=True)
    assert [line.plain for line in painted(grid, [Layer(dots, "red", "#")])] == ["# ", " #"]

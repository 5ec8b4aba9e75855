"""Vectors in tables of many steps."""

import numpy as np

from gradclip.instrumenting.column import Column, Table

TABLES = [Table(np.arange(12.0).reshape(2, 6)), Table(np.arange(12.0, 30.0).reshape(3, 6))]


def test_a_column_is_a_part_of_a_row():
    column = Column(TABLES[1], 2, slice(1, 3))
    assert np.asarray(column).tolist() == [25.0, 26.0]
    assert np.asarray(column, np.float32).dtype == np.float32


def test_columns_of_many_steps_are_read_together_as_they_are_alone():
    places = (slice(0, 2), slice(2, 4))
    steps = [
        [Column(table, row, place) for place in places]
        for table in TABLES
        for row in range(len(table.rows))
    ]
    assert steps[0][0].form != steps[0][1].form
    for each, alone in zip(Column.joined(steps), zip(*steps, strict=True), strict=True):
        np.testing.assert_array_equal(each, [np.asarray(column) for column in alone])


def test_columns_of_a_step_may_lie_in_several_tables():
    steps = [[Column(TABLES[0], i, slice(0, 2)), Column(TABLES[1], i, slice(0, 2))] for i in (0, 1)]
    first, second = Column.joined(steps)
    assert first.tolist() == [[0, 1], [6, 7]]
    assert second.tolist() == [[12, 13], [18, 19]]

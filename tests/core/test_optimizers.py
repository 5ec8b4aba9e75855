"""What the optimizer wrappers share."""

import pytest

from gradclip.core.optimizers import reject_tf1_arguments
from gradclip.core.skipping import SkippedSteps
from gradclip.errors import ConfigurationError, NonFiniteGradientError


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((0, None, False), "gate_gradients"), ((1, 2, False), "aggregation_method")],
)
def test_tensorflow_1_arguments_are_refused_by_name(arguments, name):
    reject_tf1_arguments(1, None, False)  # noqa: FBT003 - TensorFlow's order
    with pytest.raises(ConfigurationError, match=f"`{name}` has a meaning for"):
        reject_tf1_arguments(*arguments)


def test_ten_skipped_steps_in_a_row_stop_the_run():
    skipped = SkippedSteps(limit=10)
    for _ in range(9):
        skipped.record(finite=False)
    skipped.record(finite=True)
    for _ in range(9):
        skipped.record(finite=False)
    assert (skipped.total, skipped.in_a_row) == (18, 9)
    with pytest.raises(NonFiniteGradientError, match="At most 10 steps in a row"):
        skipped.record(finite=False)


def test_without_a_limit_the_count_goes_on():
    skipped = SkippedSteps(limit=None)
    for _ in range(100):
        skipped.record(finite=False)
    assert skipped.in_a_row == 100

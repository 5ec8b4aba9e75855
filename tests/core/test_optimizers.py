"""What the optimizer wrappers share."""

import pytest

from gradclip.core.clippings import GlobalNorm
from gradclip.core.optimizers import (
    OwnClipping,
    reject_tf1_arguments,
    resolve_clip,
)
from gradclip.core.skipping import SkippedSteps
from gradclip.errors import ConfigurationError, NonFiniteGradientError


def test_a_clipping_may_be_text_object_function_or_none():
    assert resolve_clip(None) is None
    assert resolve_clip("none") is None
    assert resolve_clip("global-norm=15") == GlobalNorm(15.0)
    assert resolve_clip(GlobalNorm(2.0)) == GlobalNorm(2.0)
    own = resolve_clip(lambda gradients: [g * 2 for g in gradients])
    assert isinstance(own, OwnClipping)
    assert own(None, [1.0, 2.0], []) == [2.0, 4.0]


def test_what_is_no_clipping_is_refused():
    with pytest.raises(ConfigurationError, match="`clip` must be None, a text or a callable"):
        resolve_clip(15)


def test_a_function_that_loses_gradients_is_told_so():
    with pytest.raises(ConfigurationError, match="as many gradients as it gets, got 2 for 1"):
        resolve_clip(lambda gradients: (gradients, 5.0))(None, [1.0], [])


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

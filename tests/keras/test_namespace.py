import pytest

keras = pytest.importorskip("keras")

from gradclip.errors import MissingFrameworkError  # noqa: E402 - needs Keras
from gradclip.keras.namespace import keras_namespace, plain  # noqa: E402

pytestmark = pytest.mark.keras


def test_other_backends_are_refused():
    with pytest.raises(MissingFrameworkError, match=r"must be one of .*, got 'openvino'"):
        keras_namespace("openvino")


def test_a_variable_holds_a_tensor():
    x = keras.ops.array([1.0])
    assert plain(x) is x
    assert not isinstance(plain(keras.Variable([1.0])), keras.Variable)

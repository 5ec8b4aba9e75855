"""The three ways in which TensorFlow runs a function."""

import pytest
import tensorflow as tf

MODES = {
    "eager": lambda function: function,
    "graph": tf.function,
    "xla": lambda function: tf.function(function, jit_compile=True),
}
every_mode = pytest.mark.parametrize("mode", list(MODES.values()), ids=list(MODES))

"""The clipping functions on tensors of Keras' current backend."""

import importlib

import keras

from gradclip.core.functions import Functions
from gradclip.keras.namespace import keras_namespace


def _functions() -> Functions:
    """Return the functions on the backend; TensorFlow's know about graphs."""
    backend = keras.backend.backend()
    if backend != "tensorflow":
        return Functions(keras_namespace(backend))
    tensorflow = importlib.import_module("gradclip.tensorflow.functional")
    functions: Functions = tensorflow.TensorFlowFunctions(keras_namespace(backend))
    return functions


functions = _functions()

clip_by_value = functions.clip_by_value
clip_by_norm = functions.clip_by_norm
clip_by_average_norm = functions.clip_by_average_norm
clip_by_block_rms = functions.clip_by_block_rms
clip_by_global_norm = functions.clip_by_global_norm
global_norm = functions.global_norm
gradient_statistics = functions.gradient_statistics
adaptive_clip = functions.adaptive_clip

"""The clipping functions on TensorFlow tensors: eager, in functions and in TF1 graphs."""

from typing import Any

import tensorflow as tf

from gradclip.core.decide import NonFinite
from gradclip.core.functions import Functions
from gradclip.tensorflow.branch import without_autograph
from gradclip.tensorflow.namespace import TensorFlowNamespace, after


class TensorFlowFunctions(Functions):
    """The functions for graphs too: without autograph, and with assertions that TF1 runs."""

    clip_by_value = without_autograph(Functions.clip_by_value)
    clip_by_norm = without_autograph(Functions.clip_by_norm)
    clip_by_average_norm = without_autograph(Functions.clip_by_average_norm)
    clip_by_block_rms = without_autograph(Functions.clip_by_block_rms)
    clip_by_global_norm = without_autograph(Functions.clip_by_global_norm)
    global_norm = without_autograph(Functions.global_norm)
    gradient_statistics = without_autograph(Functions.gradient_statistics)
    adaptive_clip = without_autograph(Functions.adaptive_clip)

    def _settle(
        self, tensors: list[Any], norms: list[Any], labels: list[str], nonfinite: NonFinite
    ) -> tuple[list[Any], list[Any]]:
        """Let the tensors wait for the assertions too, which TF1 graphs would not run else."""
        tensors, norms = super()._settle(tensors, norms, labels, nonfinite)
        if nonfinite == "raise" and not tf.executing_eagerly():
            tensors = after(norms, tensors)
        return tensors, norms


functions = TensorFlowFunctions(TensorFlowNamespace())

clip_by_value = functions.clip_by_value
clip_by_norm = functions.clip_by_norm
clip_by_average_norm = functions.clip_by_average_norm
clip_by_block_rms = functions.clip_by_block_rms
clip_by_global_norm = functions.clip_by_global_norm
global_norm = functions.global_norm
gradient_statistics = functions.gradient_statistics
adaptive_clip = functions.adaptive_clip

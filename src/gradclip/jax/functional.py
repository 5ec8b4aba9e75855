"""The clipping functions on JAX arrays and pytrees, eager and traced."""

from gradclip.core.functions import Functions
from gradclip.jax.namespace import JaxNamespace

functions = Functions(JaxNamespace())

clip_by_value = functions.clip_by_value
clip_by_norm = functions.clip_by_norm
clip_by_average_norm = functions.clip_by_average_norm
clip_by_block_rms = functions.clip_by_block_rms
clip_by_global_norm = functions.clip_by_global_norm
global_norm = functions.global_norm
gradient_statistics = functions.gradient_statistics
adaptive_clip = functions.adaptive_clip

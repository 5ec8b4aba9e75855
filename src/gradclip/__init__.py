"""Clip, see and understand gradients, with one meaning in every framework.

The functions here take the tensors of any framework; `gradclip.torch`, `gradclip.tensorflow`,
`gradclip.jax`, `gradclip.keras`, `gradclip.numpy` and `gradclip.optax` have what is a
framework's own, and are loaded when they are first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from gradclip.core.policies.adaptive import SPAM, AdaGC, AutoClip, ZClip
from gradclip.core.policies.clip import Clip
from gradclip.core.policies.combine import Chain, Exclude, PerGroup, Warmup
from gradclip.core.policies.fixed import (
    AdaptiveGradientClipping,
    AverageNorm,
    BlockRMS,
    GlobalNorm,
    Norm,
    Value,
)
from gradclip.core.policies.granularity import Grouped, Units
from gradclip.core.policies.limits import (
    Constant,
    Percentile,
    Ratio,
    RunningMean,
    Schedule,
    SecondMoment,
    ZScore,
)
from gradclip.core.policies.update_clipping import UpdateRMS
from gradclip.errors import (
    ConfigurationError,
    GradclipError,
    GradientTypeError,
    MissingFrameworkError,
    NonFiniteGradientError,
)
from gradclip.functional import (
    adaptive_clip,
    clip_by_average_norm,
    clip_by_block_rms,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    global_norm,
    gradient_statistics,
)

if TYPE_CHECKING:
    from gradclip.record import Recorder, open_run, read_run
    from gradclip.replaying import replay, suggest

__version__ = "0.1.0"
__all__ = [
    "SPAM",
    "AdaGC",
    "AdaptiveGradientClipping",
    "AutoClip",
    "AverageNorm",
    "BlockRMS",
    "Chain",
    "Clip",
    "ConfigurationError",
    "Constant",
    "Exclude",
    "GlobalNorm",
    "GradclipError",
    "GradientTypeError",
    "Grouped",
    "MissingFrameworkError",
    "NonFiniteGradientError",
    "Norm",
    "PerGroup",
    "Percentile",
    "Ratio",
    "Recorder",
    "RunningMean",
    "Schedule",
    "SecondMoment",
    "Units",
    "UpdateRMS",
    "Value",
    "Warmup",
    "ZClip",
    "ZScore",
    "adaptive_clip",
    "clip_by_average_norm",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
    "gradient_statistics",
    "open_run",
    "read_run",
    "replay",
    "suggest",
]

# Room -> the package that it needs, and the extra that installs it.
_ROOMS = {
    "numpy": ("numpy", "numpy"),
    "torch": ("torch", "torch"),
    "tensorflow": ("tensorflow", "tensorflow"),
    "jax": ("jax", "jax"),
    "optax": ("optax", "jax"),
    "keras": ("keras", "keras"),
    "integrations": ("torch", "torch"),
    "record": ("numpy", "numpy"),
    "testing": ("numpy", "numpy"),
}


# Functions that need NumPy -> the module that has them.
_LATER = {
    "Recorder": "gradclip.record",
    "open_run": "gradclip.record",
    "read_run": "gradclip.record",
    "replay": "gradclip.replaying",
    "suggest": "gradclip.replaying",
}


def __getattr__(name: str) -> Any:
    """Load a framework's room, or a function that needs NumPy, when it is first asked for.

    Returns:
        The module or function.

    Raises:
        MissingFrameworkError: The framework is not installed; the message says how to.
        AttributeError: There is no such room.
        ModuleNotFoundError: Something else is missing.
    """
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    if name not in _ROOMS:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    package, extra = _ROOMS[name]
    try:
        return importlib.import_module(f"gradclip.{name}")
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        msg = f'gradclip.{name} needs {package}: pip install "gradclip[{extra}]"'
        raise MissingFrameworkError(msg) from error

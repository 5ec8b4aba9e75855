"""Clip, see and understand gradients, with one meaning in every framework.

The functions here take the tensors of any framework; `gradclip.torch`, `gradclip.tensorflow`,
`gradclip.jax`, `gradclip.keras`, `gradclip.numpy` and `gradclip.optax` have what is a
framework's own, and are loaded when they are first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from gradclip.errors import (
    ConfigurationError,
    GradclipError,
    GradientTypeError,
    MissingFrameworkError,
    NonFiniteGradientError,
)

if TYPE_CHECKING:
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
    from gradclip.instrumenting.instrument import instrument
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
    "instrument",
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


# What loads each public name: programs that only ask for the version, or whose training is
# followed, load none of it.
_PLACES: dict[str, tuple[str, ...]] = {
    "gradclip.core.policies.adaptive": ("SPAM", "AdaGC", "AutoClip", "ZClip"),
    "gradclip.core.policies.clip": ("Clip",),
    "gradclip.core.policies.combine": ("Chain", "Exclude", "PerGroup", "Warmup"),
    "gradclip.core.policies.fixed": (
        "AdaptiveGradientClipping",
        "AverageNorm",
        "BlockRMS",
        "GlobalNorm",
        "Norm",
        "Value",
    ),
    "gradclip.core.policies.granularity": ("Grouped", "Units"),
    "gradclip.core.policies.limits": (
        "Constant",
        "Percentile",
        "Ratio",
        "RunningMean",
        "Schedule",
        "SecondMoment",
        "ZScore",
    ),
    "gradclip.core.policies.update_clipping": ("UpdateRMS",),
    "gradclip.functional": (
        "adaptive_clip",
        "clip_by_average_norm",
        "clip_by_block_rms",
        "clip_by_global_norm",
        "clip_by_norm",
        "clip_by_value",
        "global_norm",
        "gradient_statistics",
    ),
    "gradclip.instrumenting.instrument": ("instrument",),
    "gradclip.record": ("Recorder", "open_run", "read_run"),
    "gradclip.replaying": ("replay", "suggest"),
}
_LATER = {name: place for place, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name, or a framework's room, when it is first asked for.

    Returns:
        What the name stands for, or the module.

    Raises:
        MissingFrameworkError: The framework is not installed; the message says how to.
        AttributeError: There is no such room.
        ModuleNotFoundError: Something else is missing.
    """
    if name in _LATER:
        found = globals()[name] = getattr(importlib.import_module(_LATER[name]), name)
        return found
    if name in {"core", "functional"}:
        return importlib.import_module(f"gradclip.{name}")
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


def __dir__() -> list[str]:
    """Return all public names, loaded or not."""
    return sorted({*globals(), *__all__, *_ROOMS})

"""CUDA graphs: what is called once while they are captured, and runs at each replay."""

from typing import Any, TypeVar

import torch
from torch import Tensor

from gradclip.core.arithmetic import map_state
from gradclip.errors import ConfigurationError

_State = TypeVar("_State")
_CUDA: Any = torch.cuda  # most of which has no types

UNKNOWN = (
    "What a CUDA graph captures must have run before, got a capture of a policy's first step. Take "
    "a few steps outside first, as PyTorch asks for."
)


def captures(device: torch.device | None = None) -> bool:
    """Tell whether a CUDA graph is being captured.

    Args:
        device: Where it would be; by default the current one.

    Returns:
        Whether it is; False where there is no CUDA.

    Example:
        >>> captures()
        False
    """
    if (device is not None and device.type != "cuda") or not _CUDA.is_initialized():
        return False
    found: bool = _CUDA.is_current_stream_capturing()
    return found


def written(new: _State, old: _State) -> _State:
    """Write a state over the one before it, for each replay to find what the last one left.

    Args:
        new: Tuples of tensors, nested.
        old: The same of before the capture.

    Returns:
        The old one, which holds the new numbers.

    Raises:
        ConfigurationError: The old one does not lie on the device.

    Example:
        >>> import torch
        >>> old = (torch.tensor(1.0),)
        >>> written((torch.tensor(2.0),), old) is old, old
        (True, (tensor(2.),))
    """
    map_state(_write, new, old)
    return old


def _write(new: object, old: object) -> None:
    if isinstance(old, Tensor) and isinstance(new, Tensor) and old.device == new.device:
        old.copy_(new)
    elif isinstance(new, Tensor):
        raise ConfigurationError(UNKNOWN)

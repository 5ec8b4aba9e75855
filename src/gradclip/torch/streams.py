"""Reads from other threads what a CUDA device computes, on whatever stream it does so."""

import contextlib
import ctypes
import threading
from types import TracebackType
from typing import Any

import torch

from gradclip.errors import ConfigurationError
from gradclip.torch.capturing import captures

_CUDA: Any = torch.cuda  # most of which has no types
_RELAXED = 2  # cudaStreamCaptureModeRelaxed
_CAPTURED = (
    "A step must be recorded when it is taken, got one that a CUDA graph captures. Leave the "
    "recorder out, and call recorder.record(attached.report) after each replay()."
)


class Mark:
    """What a stream has been given to do until now.

    Within it a thread reads on a stream of its own, which waits for that and for nothing that was
    given later. It may do so while another thread captures a CUDA graph, which forbids all others
    to wait or to take memory unless they say that they know what they do.
    """

    __slots__ = ("_device", "_event", "_stream")

    def __init__(self) -> None:
        self._device = _CUDA.current_device()
        self._event: Any = _CUDA.Event()
        self._event.record()
        self._stream: Any = None

    def __enter__(self) -> None:
        stream = _THREAD.stream(self._device)
        stream.wait_event(self._event)
        self._stream = _CUDA.stream(stream)
        self._stream.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stream.__exit__(kind, error, traceback)


def marked() -> Mark | None:
    """Return a mark of now, where CUDA is in use.

    Raises:
        ConfigurationError: A CUDA graph is being captured.
    """
    if not _CUDA.is_initialized():
        return None
    if captures():
        raise ConfigurationError(_CAPTURED)
    return Mark()


class _Thread(threading.local):
    """The thread that asks: its streams, and its leave to work beside captures."""

    def __init__(self) -> None:
        self._streams: dict[int, Any] = {}

    def stream(self, device: int) -> Any:
        """Return the thread's stream on a device, for work that may go on beside captures."""
        if not self._streams:
            _relax()
        if device not in self._streams:
            self._streams[device] = _CUDA.Stream(device)
        return self._streams[device]


def _relax() -> None:
    """Let this thread's calls pass while another one captures: none is of what that one does."""
    with contextlib.suppress(OSError, AttributeError):  # another library, or none
        library = ctypes.CDLL(f"libcudart.so.{str(torch.version.cuda).split('.')[0]}")
        library.cudaThreadExchangeStreamCaptureMode(ctypes.byref(ctypes.c_int(_RELAXED)))


_THREAD = _Thread()

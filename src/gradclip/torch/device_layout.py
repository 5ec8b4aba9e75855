"""What the Triton kernels have to know of tensors, on the device, and sent there only once."""

import functools
import struct
import threading
from array import array
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from gradclip.errors import ConfigurationError
from gradclip.kernels import cuda
from gradclip.torch.capturing import captures

_KNOWN_LAYOUTS = 32  # a model has one for each set of parameters that get gradients
_SPARES = 4  # pieces of memory on the host, one for each time that a graph uses a layout
_UNKNOWN = (
    f"What a CUDA graph captures must have run before, and at most {_SPARES} times in it, got a "
    "capture of shapes that did not. Clip once outside, right before the capture."
)
_HEAD = struct.Struct("<dq")  # the limit, and room, so that the addresses are aligned as well


def current(device: torch.device) -> AbstractContextManager[object]:
    """Make a device the current one, for which Triton starts its programs."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


class Arguments:
    """Where T tensors are and what limit they have, on the device.

    Args:
        device: The device.
        length: T.

    Attributes:
        limit: The limit, (), float64.
        addresses: The addresses, (T,), int64.
    """

    def __init__(self, device: torch.device, length: int) -> None:
        self._memory = torch.empty(length + 2, dtype=torch.int64, device=device)
        self._known = b""
        self.limit = self._memory[:1].view(torch.float64)
        self.addresses = self._memory[2:]

    def send(self, content: bytes, staging: Tensor | None = None) -> None:
        """Send what `packed` returned, unless it is there already; nothing waits for it.

        Args:
            content: The limit and the addresses.
            staging: Memory on the host to send it from, which is not written to any more.
        """
        if content == self._known:
            return
        if staging is None:
            # PyTorch gives pinned memory out again only when the device has read it.
            staging = _pinned(len(self._memory), torch.int64, self._memory.device)
        staging.copy_(torch.frombuffer(bytearray(content), dtype=torch.int64))
        self._memory.copy_(staging, non_blocking=True)
        self._known = content


class DeviceLayout:
    """A `cuda.Layout` on a device, with the arguments that were sent last.

    Args:
        device: The device.
        lengths: Each tensor's number of entries.
        kinds: Each one's `cuda.Type`.
        chunk: The number of entries in a chunk.

    Attributes:
        device: The device.
        tables: The layout.
    """

    def __init__(
        self,
        device: torch.device,
        lengths: tuple[int, ...],
        kinds: bytes,
        chunk: int = cuda.CHUNK,
    ) -> None:
        layout = cuda.arrange(lengths, kinds, chunk)
        columns = (layout.lengths, layout.starts, layout.ends, layout.owners, layout.offsets)
        self.device = device
        self.tables = cuda.Tables(layout, *(_sent(column, device) for column in columns))
        self._length = len(lengths)
        self._sent: dict[tuple[int, int], Arguments] = {}
        self._captured: list[tuple[Arguments, Tensor]] = []
        self._stream = _stream(device)
        self._ready = torch.Event(device) if device.type == "cuda" else None
        if self._ready is not None:
            self._ready.record()
        self._spares: list[Tensor] = []
        self._refill()

    def arguments(self, addresses: list[int], limit: float) -> Arguments:
        """Return the arguments on the device, sent there if they are others than before.

        Args:
            addresses: The tensors' addresses.
            limit: The limit.

        Raises:
            ConfigurationError: A CUDA graph is captured that uses the layout too often.
        """
        content = _HEAD.pack(limit, 0) + array("q", addresses).tobytes()
        if captures(self.device):
            return self._captured_arguments(content)
        key = (_stream(self.device), threading.get_ident())
        found = self._sent.get(key)
        if found is None:
            self._await(key[0])
            found = self._sent[key] = Arguments(self.device, self._length)
        self._refill()
        found.send(content)
        return found

    def _captured_arguments(self, content: bytes) -> Arguments:
        """Return arguments that a graph sends at each replay, from memory that stays as it is.

        Raises:
            ConfigurationError: There is no such memory left.
        """
        if not self._spares:
            raise ConfigurationError(_UNKNOWN)
        found, staging = Arguments(self.device, self._length), self._spares.pop()
        found.send(content, staging)
        self._captured.append((found, staging))
        _captured_layouts().append(self)
        return found

    def _await(self, stream: int) -> None:
        """Have another stream than the one that sent the layout wait for it, on the device."""
        if self._ready is None or stream == self._stream:
            return
        self._ready.wait()
        for table in self.tables[1:]:
            table.record_stream(torch.cuda.current_stream(self.device))

    def _refill(self) -> None:
        """Have memory on the host at hand: during a capture none can be pinned."""
        while self.device.type == "cuda" and len(self._spares) < _SPARES:
            self._spares.append(_pinned(self._length + 2, torch.int64, self.device))


@functools.lru_cache(maxsize=_KNOWN_LAYOUTS)
def device_layout(device: torch.device, lengths: tuple[int, ...], kinds: bytes) -> DeviceLayout:
    """Return the layout of tensors of these lengths and types, made once.

    Args:
        device: Where the tensors are.
        lengths: Each tensor's number of entries.
        kinds: Each one's `cuda.Type`.

    Raises:
        ConfigurationError: A CUDA graph is captured, into which this would go.
    """
    if captures(device):
        raise ConfigurationError(_UNKNOWN)
    with current(device):
        return DeviceLayout(device, lengths, kinds)


@functools.cache
def _captured_layouts() -> list[DeviceLayout]:
    """Return the layouts that graphs read, which may be replayed as long as the process lives."""
    return []


def _stream(device: torch.device) -> int:
    """Return the current stream's number."""
    return torch.cuda.current_stream(device).cuda_stream if device.type == "cuda" else 0


def _pinned(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return memory on the host, which a CUDA device reads without anybody waiting."""
    return torch.empty(length, dtype=dtype, pin_memory=device.type == "cuda")


def _sent(column: "array[int]", device: torch.device) -> Tensor:
    """Return a column on the device."""
    dtype = torch.int64 if column.itemsize == 8 else torch.int32  # noqa: PLR2004 - bytes
    there = torch.empty(len(column), dtype=dtype, device=device)
    if column:
        staging = _pinned(len(column), dtype, device)
        staging.copy_(torch.frombuffer(column, dtype=dtype))
        there.copy_(staging, non_blocking=True)
    return there

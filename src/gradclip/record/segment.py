"""Files of records of one size, written at the end alone: what is whole stays whole."""

import json
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gradclip.record.checksums import CHECKSUM_SIZE, sound
from gradclip.record.layout import Kind, Row

SUFFIX = ".records"
_MAGIC = b"gradclip records"
_HEAD_SIZE = len(_MAGIC) + 8  # then the description's length and checksum, 4 bytes each
_PACKED = struct.Struct("<I")


@dataclass(frozen=True, order=True, slots=True)
class SegmentName:
    """Which file it is.

    Attributes:
        rank: Whose process wrote it.
        number: How many files of that process came before: the later hides what it repeats.
        kind: What its records are of.

    Example:
        >>> SegmentName(0, 2, "steps").file
        'steps-0002-rank0.records'
        >>> SegmentName.parse("steps-0002-rank0.records").number
        2
    """

    rank: int
    number: int
    kind: Kind

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.kind}-{self.number:04d}-rank{self.rank}{SUFFIX}"

    @classmethod
    def parse(cls, file: str) -> Self | None:
        """Return what a file's name says; None if it is not ours."""
        kind, *rest = file.removesuffix(SUFFIX).rsplit("-", 2)
        match rest:
            case [number, rank] if file.endswith(SUFFIX) and rank.startswith("rank"):
                digits = rank.removeprefix("rank")
                if number.isdecimal() and digits.isdecimal():
                    return cls(int(digits), int(number), kind)  # type: ignore[arg-type]  # told later
        return None


class SegmentWriter:
    """Append records to a new file; each is handed to the operating system at once.

    Args:
        path: The file, which must not be there yet.
        layout: The type of its records.

    Raises:
        OSError: It is there, or cannot be written.
    """

    def __init__(self, path: Path, layout: np.dtype[np.void]) -> None:
        self.path = path
        self.layout = layout
        self._file = path.open("xb", buffering=0)
        self._whole = 0
        try:
            self._write(_head(layout))
        except BaseException:
            self._file.close()
            path.unlink(missing_ok=True)  # a file without its head is none
            raise

    def append(self, rows: Row) -> None:
        """Write records, (N,) of the layout, with their checksums.

        Raises:
            OSError: The disk refused them; the file is as it was.
        """
        data = bytearray(rows.tobytes())
        view, size = memoryview(data), self.layout.itemsize
        for start in range(0, len(data), size):
            checksum = zlib.crc32(view[start + CHECKSUM_SIZE : start + size])
            _PACKED.pack_into(data, start, checksum)
        self._write(data)

    def take_back(self, count: int) -> None:
        """Remove the last records."""
        self._whole -= count * self.layout.itemsize
        self._file.truncate(self._whole)
        self._file.seek(self._whole)

    def close(self) -> None:
        """Have the disk keep what the operating system holds, and close the file."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()

    def _write(self, data: bytes | bytearray) -> None:
        """Write all of it or nothing."""
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) or 0 :]
        except BaseException:
            self._file.truncate(self._whole)
            self._file.seek(self._whole)
            raise
        self._whole += len(data)


class SegmentReader:
    """Read records of a file that may still be written.

    Args:
        path: The file.

    Attributes:
        name: Which one it is.
        layout: The type of its records.

    Raises:
        ValueError: It is not ours, or its head is damaged.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        name = SegmentName.parse(path.name)
        if name is None:
            msg = f"{path.name} is no file of a run"
            raise ValueError(msg)
        self.path = path
        self.name = name
        with path.open("rb") as file:
            self.layout, self._start = _parse_head(path.name, file.read(1 << 20))

    def __len__(self) -> int:
        """Return how many whole records there are by now."""
        return max(self.path.stat().st_size - self._start, 0) // self.layout.itemsize

    def read(self, start: int, stop: int) -> tuple[Row, NDArray[np.bool_]]:
        """Return the records start..stop, as far as they are there, and which of them are sound."""
        count = max(min(stop, len(self)) - start, 0)
        offset = self._start + start * self.layout.itemsize
        rows = np.fromfile(self.path, self.layout, count, offset=offset)
        return rows, sound(rows)


def _head(layout: np.dtype[np.void]) -> bytes:
    """Return a file's first bytes, which say what its records are."""
    text = json.dumps({"fields": _plain(layout)}, separators=(",", ":")).encode()
    numbers = np.array([len(text), zlib.crc32(text)], dtype="<u4").tobytes()
    return _MAGIC + numbers + text


def _parse_head(file: str, data: bytes) -> tuple[np.dtype[np.void], int]:
    """Return what a file's records are, and where they start.

    Raises:
        ValueError: The bytes are not such a head.
    """
    length, checksum = np.frombuffer(data[len(_MAGIC) : _HEAD_SIZE].ljust(8, b"\0"), "<u4")
    text = data[_HEAD_SIZE : _HEAD_SIZE + int(length)]
    if not data.startswith(_MAGIC) or len(text) < length or zlib.crc32(text) != checksum:
        msg = f"{file} does not begin as a file of records does"
        raise ValueError(msg)
    return _layout(json.loads(text)["fields"]), _HEAD_SIZE + len(text)


def _plain(layout: np.dtype[np.void]) -> list[Any]:
    """Return a layout as JSON holds it."""
    described = []
    for name in layout.names or ():
        field = layout[name]
        inner = _plain(field.base) if field.base.names else field.base.str
        described.append([name, inner, list(field.shape)])
    return described


def _layout(described: list[Any]) -> np.dtype[np.void]:
    """Return what `_plain` described."""
    return np.dtype(
        [
            (name, _layout(inner) if isinstance(inner, list) else inner, tuple(shape))
            for name, inner, shape in described
        ]
    )

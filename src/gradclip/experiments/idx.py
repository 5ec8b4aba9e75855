"""Reads an IDX file and makes sure that it is the one that it should be."""

import gzip
import hashlib
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradclip.errors import DataError

Bytes = NDArray[np.uint8]
_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08  # the format's code for the entries' type


@dataclass(frozen=True, slots=True)
class IdxFile:
    """What an IDX file must hold.

    Attributes:
        name: The file's name, without `.gz`.
        shape: The shape of its array.
        sha256: The SHA-256 of its contents, uncompressed: mirrors compress them differently.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str


def read_idx(path: Path, file: IdxFile) -> Bytes:
    """Read an IDX file, compressed by gzip or not, and check its contents.

    Args:
        path: Where it lies.
        file: What it must hold.

    Returns:
        Its array, of `file.shape`.

    Raises:
        DataError: It cannot be read, is truncated, foreign, or another file than it should be.

    Example:
        >>> read_idx(Path("labels"), IdxFile("labels", (3,), ""))
        Traceback (most recent call last):
        ...
        gradclip.errors.DataError: labels cannot be read: No such file or directory. ...
    """
    contents = _contents(path)
    shape, start = _header(path, contents)
    expected = start + math.prod(shape)
    if len(contents) != expected:
        problem = "is truncated" if len(contents) < expected else "is too long"
        raise DataError(_wrong(path, f"{problem}: {len(contents):,} bytes instead of {expected:,}"))
    if shape != file.shape:
        raise DataError(_wrong(path, f"has the shape {shape} instead of {file.shape}"))
    digest = hashlib.sha256(contents).hexdigest()
    if digest != file.sha256:
        problem = f"is another file: the SHA-256 of its contents is {digest}, not {file.sha256}"
        raise DataError(_wrong(path, problem))
    return np.frombuffer(contents, dtype=np.uint8, offset=start).reshape(shape)


def _contents(path: Path) -> bytes:
    """Return a file's bytes, uncompressed.

    Raises:
        DataError: It cannot be read, or ends in the middle.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(_wrong(path, f"cannot be read: {error.strerror or error}")) from error
    if not raw.startswith(_GZIP_MAGIC):
        return raw
    try:
        return gzip.decompress(raw)
    except EOFError as error:
        raise DataError(_wrong(path, "is truncated: its compressed data end early")) from error
    except (OSError, zlib.error) as error:
        raise DataError(_wrong(path, f"is damaged: {error}")) from error


def _header(path: Path, contents: bytes) -> tuple[tuple[int, ...], int]:
    """Return the shape that an IDX header gives, and where the entries begin.

    Raises:
        DataError: It is no IDX header.
    """
    num_axes = contents[3] if len(contents) > 3 else 0  # noqa: PLR2004  # the fourth byte
    start = 4 + 4 * num_axes
    magic = contents[:3] == bytes((0, 0, _UNSIGNED_BYTE))
    if not magic or num_axes == 0 or len(contents) < start:
        began = contents[:4].hex(" ") or "nothing"
        raise DataError(_wrong(path, f"is not an IDX file of bytes: it begins with {began}"))
    return struct.unpack(f">{num_axes}I", contents[4:start]), start


def _wrong(path: Path, problem: str) -> str:
    """Return what to say of a file, and the way out."""
    return (
        f"{path} {problem}. "
        "Delete it to have it fetched again, or name a directory with the four MNIST files."
    )

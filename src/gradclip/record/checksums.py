"""Tells which records are what was written: of many small ones at once, where all of them are."""

import functools
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHECKSUM_SIZE = 4  # bytes at the start of a record
_GROUP = 4096  # records that are checked at once; a power of two
_SMALL = 1024  # bytes of a record below which a call for each takes longer than the sum itself
_AT_ONCE = 1 << 20  # bytes of larger ones that are cut at once: what a cache holds

_Sums = NDArray[np.uint32]
_Rows = np.ndarray[Any, np.dtype[np.void]]


def sound(rows: _Rows) -> NDArray[np.bool_]:
    """Return which records have the CRC-32 that stands in their first four bytes, (N,).

    Args:
        rows: Records with a field `checksum`, one behind the other in memory.

    References:
        zlib's `crc32_combine`: the sum of two parts is linear in the sums of each. So the sum of
        many records follows from the sums that they hold, and one call over all their bytes tells
        whether every one is right. Where it is not, each is looked at.
    """
    size = rows.dtype.itemsize
    whole = len(rows) - len(rows) % _GROUP if size < _SMALL else 0
    found = np.ones(len(rows), dtype=np.bool_)
    for start in range(0, whole, _GROUP):
        group = rows[start : start + _GROUP]
        if zlib.crc32(group.view(np.uint8).data) != _together(group["checksum"], size):
            found[start : start + _GROUP] = group["checksum"] == checksums(group)
    found[whole:] = rows["checksum"][whole:] == checksums(rows[whole:])
    return found


def checksums(rows: _Rows) -> _Sums:
    """Return the checksum of each record but for the checksum that it has itself, (N,)."""
    size = rows.dtype.itemsize
    form = struct.Struct(f"{CHECKSUM_SIZE}x{size - CHECKSUM_SIZE}s")
    found = np.empty(len(rows), dtype=np.uint32)
    at_once = max(_AT_ONCE // size, 1)
    for start in range(0, len(rows), at_once):
        data = rows[start : start + at_once].tobytes()
        found[start : start + at_once] = [zlib.crc32(rest) for (rest,) in form.iter_unpack(data)]
    return found


def _together(sums: _Sums, size: int) -> int:
    """Return the sum of `_GROUP` records of so many bytes that hold these sums, rightly."""
    first, constant, levels = _maps(size)
    found = _mapped(first, sums) ^ sums ^ constant
    for level in levels:
        found = _mapped(level, found[0::2]) ^ found[1::2]
    return int(found[0])


@functools.cache
def _maps(size: int) -> tuple[NDArray[np.uint32], np.uint32, list[NDArray[np.uint32]]]:
    """Return how a record's sum follows from the one that it holds, and those of 2, 4, 8, ..."""
    rest = _behind(size - CHECKSUM_SIZE)
    bits = [(1 << bit).to_bytes(CHECKSUM_SIZE, "little") for bit in range(32)]
    nothing = zlib.crc32(bytes(CHECKSUM_SIZE))
    held = np.array([zlib.crc32(bit) ^ nothing for bit in bits], dtype=np.uint32)
    constant = _mapped(_tables(rest), np.array([nothing], dtype=np.uint32))[0]
    levels, images = [], _behind(size)
    for _ in range(_GROUP.bit_length() - 1):
        levels.append(_tables(images))
        images = _mapped(levels[-1], images)  # twice as many bytes behind it
    return _tables(_mapped(_tables(rest), held)), constant, levels


def _behind(count: int) -> _Sums:
    """Return what becomes of each bit of a sum when so many bytes follow, (32,)."""
    zeros = bytes(count)
    nothing = zlib.crc32(zeros)
    images = [zlib.crc32(zeros, 1 << bit) ^ nothing for bit in range(32)]
    return np.array(images, dtype=np.uint32)


def _tables(images: _Sums) -> NDArray[np.uint32]:
    """Return a linear map of 32 bits as a table for each of their four bytes, (4, 256)."""
    tables = np.zeros((4, 256), dtype=np.uint32)
    values = np.arange(256)
    for bit in range(32):
        tables[bit // 8] ^= np.where(values >> (bit % 8) & 1, images[bit], np.uint32(0))
    return tables


def _mapped(tables: NDArray[np.uint32], sums: _Sums) -> _Sums:
    """Return what a linear map makes of sums."""
    parts = np.ascontiguousarray(sums, dtype="<u4").view(np.uint8).reshape(-1, 4)
    found: _Sums = tables[0][parts[:, 0]]
    for place in (1, 2, 3):
        found ^= tables[place][parts[:, place]]
    return found

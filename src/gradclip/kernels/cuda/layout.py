"""How tensors are cut into chunks, one for each program."""

from array import array
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

# Entries; a program reads 256 KiB of float32. On an H200 the fastest for lists of 25 million to 1.5
# billion entries, or within 3 % of it: `python -m benchmarks.gpu` tries others.
CHUNK = 1 << 16


class Type(IntEnum):
    """The types of entries."""

    FLOAT32 = 0
    FLOAT16 = 1
    BFLOAT16 = 2


class Group(NamedTuple):
    """Chunks of one type, side by side.

    Attributes:
        kind: The entries' type.
        first: The first chunk.
        length: Their number, at least 1.
    """

    kind: Type
    first: int
    length: int


class Layout(NamedTuple):
    """The chunks of T tensors, C of them, those of one tensor in order and side by side.

    Attributes:
        lengths: Each tensor's number of entries, (T,), int64.
        starts: Each tensor's first chunk, (T,), int32.
        ends: One past its last, (T,), int32; its first, where it has no entries.
        owners: The tensor of each chunk, (C,), int32.
        offsets: Which of its tensor's chunks each one is, (C,), int32.
        groups: The chunks of each type.
        chunk: The number of entries in a chunk.
    """

    lengths: "array[int]"
    starts: "array[int]"
    ends: "array[int]"
    owners: "array[int]"
    offsets: "array[int]"
    groups: tuple[Group, ...]
    chunk: int

    @property
    def num_chunks(self) -> int:
        """C."""
        return len(self.owners)


def arrange(lengths: Sequence[int], kinds: Sequence[int], chunk: int = CHUNK) -> Layout:
    """Cut tensors into chunks, sorted by type.

    Args:
        lengths: Each tensor's number of entries, 0 for one that is left out.
        kinds: Each tensor's `Type`.
        chunk: How many entries a chunk has; the last of a tensor may have fewer.

    Returns:
        The chunks.

    Example:
        >>> found = arrange([5, 0, 3], [Type.FLOAT32] * 3, chunk=4)
        >>> list(found.owners), list(found.offsets)
        ([0, 0, 2], [0, 1, 0])
        >>> list(found.starts), list(found.ends)
        ([0, 2, 2], [2, 2, 3])
    """
    owners, offsets = array("i"), array("i")
    starts, ends = array("i", bytes(4 * len(lengths))), array("i", bytes(4 * len(lengths)))
    groups = []
    for kind in sorted(set(kinds)):
        first = len(owners)
        for i in (i for i, own in enumerate(kinds) if own == kind):
            count = -(-lengths[i] // chunk)
            starts[i], ends[i] = len(owners), len(owners) + count
            owners.extend([i] * count)
            offsets.extend(range(count))
        if len(owners) > first:
            groups.append(Group(Type(kind), first, len(owners) - first))
    return Layout(array("q", lengths), starts, ends, owners, offsets, tuple(groups), chunk)

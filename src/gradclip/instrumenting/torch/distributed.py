"""Which of several processes this is, and which parts of tensors it holds; nobody is asked."""

import os
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gradclip.instrumenting.torch.flat import told_here


class Placement(NamedTuple):
    """Where the parameters are.

    Attributes:
        rank: This process's number among those that train together.
        world: How many they are.
        sharded: Whether a process holds parts only, so that each must tell of its own.
        flat: Where these parts look like whole tensors, as those of FSDP's first version do:
            whether this process tells of each; else empty.
    """

    rank: int = 0
    world: int = 1
    sharded: bool = False
    flat: tuple[bool, ...] = ()

    @property
    def silent(self) -> bool:
        """Whether another process tells of all that this one sees."""
        return self.rank > 0 and not self.sharded

    def parts(self, tensors: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Return the parts of tensors that this process is to tell of, None for none.

        Of what several processes hold, one tells: that with coordinate 0, or the first. Of a sum
        that nobody has added up yet none can.

        Args:
            tensors: Gradients or parameters; None is left as it is.
        """
        if self.silent:
            return [None] * len(tensors)
        if not self.sharded:
            return list(tensors)
        if self.flat:
            return [t if told else None for t, told in zip(tensors, self.flat, strict=True)]
        return [None if t is None else self._part(t) for t in tensors]

    def held(self, parameters: Sequence[Tensor]) -> list[Tensor]:
        """Return the same of parameters, with an empty tensor for none."""
        parts = self.parts(parameters)
        return [torch.empty(0) if part is None else part for part in parts]

    def _part(self, tensor: Tensor) -> Tensor | None:
        kind = _distributed_tensor()
        if kind is None or not isinstance(tensor, kind):
            return tensor if self.rank == 0 else None
        return local(tensor)


def placement(parameters: Sequence[Tensor]) -> Placement:
    """Return where parameters are, as far as this process knows.

    Args:
        parameters: What is trained.

    Example:
        >>> placement([torch.zeros(2)])
        Placement(rank=0, world=1, sharded=False, flat=())
    """
    rank, world = _rank_and_world()
    if world == 1:
        return Placement(rank, world)
    kind = _distributed_tensor()
    sharded = kind is not None and any(isinstance(p, kind) and _is_split(p) for p in parameters)
    flat = () if sharded else told_here(parameters, rank)
    return Placement(rank, world, sharded or bool(flat), flat)


def local(tensor: Any) -> Tensor | None:
    """Return the part of a DTensor that this process is to tell of; None if it is to tell none."""
    coordinates = tensor.device_mesh.get_coordinate()
    if coordinates is None or is_sum(tensor):  # it has no part, or nobody knows the whole
        return None
    for coordinate, placed in zip(coordinates, tensor.placements, strict=True):
        if placed.is_replicate() and coordinate:
            return None
    part: Tensor = tensor.detach().to_local()
    return part


def is_sum(tensor: Any) -> bool:
    """Tell whether a tensor is a sum over processes that nobody has added up yet."""
    placements = getattr(tensor, "placements", ())  # only a DTensor has some
    return any(placed.is_partial() for placed in placements)


def _rank_and_world() -> tuple[int, int]:
    """Return this process's number and how many there are, from PyTorch, else from a launcher."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    rank, world = (os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE"))
    if rank.isdecimal() and world.isdecimal() and int(rank) < int(world):
        return int(rank), int(world)
    return 0, 1


def _distributed_tensor() -> type | None:
    """Return the class DTensor; None where nobody has imported it."""
    module = sys.modules.get("torch.distributed.tensor")
    kind: type | None = getattr(module, "DTensor", None)
    return kind


def _is_split(tensor: Any) -> bool:
    """Tell whether processes hold parts of a DTensor."""
    sizes = tensor.device_mesh.shape
    return any(
        size > 1 and not placed.is_replicate()
        for size, placed in zip(sizes, tensor.placements, strict=True)
    )

"""Parts of tensors that look whole, as FSDP's first version makes them, and who tells of which."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from gradclip.instrumenting.torch.roots import instances_of


def whole(parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return tensors with the shapes and devices of parameters: of parts, those of all parts.

    Args:
        parameters: What is trained.

    Returns:
        As many tensors; those that stand for parts have the memory of one entry.
    """
    shapes: dict[int, Any] = {}
    for flat in map(_flat_parameter, _wrappers()):
        if flat is not None:
            shapes[id(flat)] = flat._unpadded_unsharded_size  # noqa: SLF001
            shapes |= zip(map(id, flat._params or ()), flat._shapes, strict=False)  # noqa: SLF001
    return [
        p.detach().new_empty(()).expand(shapes[id(p)]) if id(p) in shapes else p for p in parameters
    ]


def told_here(parameters: Sequence[Tensor], rank: int) -> tuple[bool, ...]:
    """Return of which parameters this process is to tell its part.

    Where several groups of processes hold all parts each, the first group tells; of what is not
    split at all, the first process.

    Args:
        parameters: What is trained.
        rank: This process's number.

    Returns:
        As many as there are parameters; none where FSDP's first version splits none of them.
    """
    split = dict(_split())
    if split.keys().isdisjoint(map(id, parameters)):
        return ()
    return tuple(split.get(id(p), rank == 0) for p in parameters)


def _split() -> Iterator[tuple[int, bool]]:
    """Yield the identities of parameters that are split, and whether this group tells of them."""
    for wrapper in _wrappers():
        flat = _flat_parameter(wrapper)
        if flat is None:
            continue
        copies = getattr(wrapper, "_inter_node_pg", None)
        for parameter in (flat, *(flat._params or ())):  # noqa: SLF001
            yield id(parameter), copies is None or copies.rank() == 0


def _wrappers() -> list[Any]:
    """Return what wraps models; none where nobody has imported it."""
    kind = getattr(sys.modules.get("torch.distributed.fsdp"), "FullyShardedDataParallel", None)
    return [] if kind is None else list(instances_of(kind))


def _flat_parameter(wrapper: Any) -> Any:
    """Return the parameter of which each process has a part; None where all have it whole."""
    handle = wrapper._handle  # noqa: SLF001 - there is no other way, here and above
    return None if handle is None or not handle.uses_sharded_strategy else handle.flat_param

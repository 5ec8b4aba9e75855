"""Parts of tensors that look whole, as FSDP's first version makes them, and who tells of which."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from gradclip.instrumenting.torch.roots import instances_of


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
    kind = _kind()
    for wrapper in [] if kind is None else instances_of(kind):
        handle = wrapper._handle  # noqa: SLF001 - there is no other way, here and below
        if handle is None or not handle.uses_sharded_strategy:
            continue
        copies = getattr(wrapper, "_inter_node_pg", None)
        flat = handle.flat_param
        for parameter in (flat, *(flat._params or ())):  # noqa: SLF001
            yield id(parameter), copies is None or copies.rank() == 0


def _kind() -> Any:
    """Return FSDP's class; None where nobody has imported it."""
    return getattr(sys.modules.get("torch.distributed.fsdp"), "FullyShardedDataParallel", None)

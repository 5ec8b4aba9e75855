"""How far the norm of one large float32 tensor is from the truth."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

import gradclip.torch
from benchmarks.speed.contenders.case import norm
from benchmarks.speed.library import without_library
from benchmarks.speed.store import Row

ENTRIES = (1_000_000, 30_000_000, 120_000_000)


def measure(entries: Sequence[int] = ENTRIES, *, threads: int) -> Iterator[Row]:
    """Compare norms of normal numbers with sums in float64.

    Args:
        entries: The tensors' sizes.
        threads: How many threads to use.

    Yields:
        A row for each size and function, with the relative error.
    """
    torch.set_num_threads(threads)
    for size in entries:
        values = np.random.default_rng(0).standard_normal(size, np.float32)
        exact, tensors = norm(values), [torch.from_numpy(values)]
        found = {
            "torch get_total_norm": torch.nn.utils.get_total_norm(tensors),
            "gradclip get_total_norm": gradclip.torch.get_total_norm(tensors),
        }
        with without_library():
            found["gradclip get_total_norm, without C"] = gradclip.torch.get_total_norm(tensors)
        for name, value in found.items():
            yield {"size": size, "name": name, "error": abs(float(value) / exact - 1)}

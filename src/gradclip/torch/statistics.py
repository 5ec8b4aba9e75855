"""What a look at each tensor tells, where the kernels cannot read them."""

import torch
from torch import Tensor

from gradclip.torch import measure


def statistics(tensors: list[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return what is known of T dense tensors on the first one's device.

    Args:
        tensors: The tensors. On a device nothing waits for it.

    Returns:
        Wide norms, wide largest moduli, and the numbers of non-finite entries and of zeros, (T,)
        each.
    """
    norms = measure.norms(tensors)
    if not tensors:
        empty = torch.zeros(0, dtype=torch.int64)
        return norms, norms, empty, empty
    device = norms.device
    largest = torch.stack([measure.largest(t).to(device, norms.dtype) for t in tensors])
    finite = torch.isfinite(largest)
    if measure.eager(largest) and finite.all():
        nonfinite = torch.zeros(len(tensors), dtype=torch.int64)
    else:
        nonfinite = torch.stack([(~torch.isfinite(t)).sum().to(device) for t in tensors])
    zeros = [t.numel() - torch.count_nonzero(t).to(device) for t in tensors]
    return norms, largest, nonfinite, torch.stack(zeros)

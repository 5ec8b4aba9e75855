"""Whether a tensor's entries lie side by side, as kernels read them."""

from torch import Tensor


def is_dense(tensor: Tensor) -> bool:
    """Tell whether the entries fill a stretch of memory, in whatever order of the axes.

    Args:
        tensor: A tensor that has strides.

    Returns:
        Whether there is no gap and no entry that stands for two.

    Example:
        >>> import torch
        >>> is_dense(torch.zeros(2, 3).T), is_dense(torch.zeros(2, 3)[:, :2])
        (True, False)
    """
    axes = [(stride, size) for stride, size in zip(tensor.stride(), tensor.shape, strict=True)]
    expected = 1
    for stride, size in sorted(axis for axis in axes if axis[1] != 1):
        if stride != expected:
            return False
        expected *= size
    return True

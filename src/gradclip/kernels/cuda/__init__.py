"""Passes over many tensors on a CUDA device, in Triton, which nothing here imports before its use.

Triton ships with PyTorch's builds for CUDA; where it is missing everything works as before, in
more passes over the gradients.

Example:
    >>> from gradclip.kernels import cuda
    >>> cuda.describe()
    'CUDA kernels: ...'
"""

from gradclip.kernels.cuda.launch import Found, Partial, Tables, finish, measure, scale
from gradclip.kernels.cuda.layout import CHUNK, Layout, Type, arrange
from gradclip.kernels.cuda.library import available, describe, interpreted, usable

__all__ = [
    "CHUNK",
    "Found",
    "Layout",
    "Partial",
    "Tables",
    "Type",
    "arrange",
    "available",
    "describe",
    "finish",
    "interpreted",
    "measure",
    "scale",
    "usable",
]

"""The shapes of the gradients of known networks."""

from collections.abc import Mapping
from itertools import pairwise

Shapes = list[tuple[int, ...]]


def mlp() -> Shapes:
    """Return the demo's network: 6 tensors, 0.24 million entries."""
    widths = (784, 256, 128, 10)
    return [shape for wide, narrow in pairwise(widths) for shape in ((wide, narrow), (narrow,))]


def resnet50() -> Shapes:
    """Return ResNet-50: 161 tensors, 25.6 million entries."""
    shapes: Shapes = [(64, 3, 7, 7), (64,), (64,)]
    channels = 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(blocks):
            shapes += _convolution(width, channels, 1) + _convolution(width, width, 3)
            shapes += _convolution(4 * width, width, 1)
            if block == 0:
                shapes += _convolution(4 * width, channels, 1)
            channels = 4 * width
    return [*shapes, (1000, 2048), (1000,)]


def gpt2() -> Shapes:
    """Return GPT-2 small: 148 tensors, 124 million entries."""
    width = 768
    block: Shapes = [
        (width,), (width,), (width, 3 * width), (3 * width,), (width, width), (width,),
        (width,), (width,), (width, 4 * width), (4 * width,), (4 * width, width), (width,),
    ]  # fmt: skip
    return [(50257, width), (1024, width), *block * 12, (width,), (width,)]


def many() -> Shapes:
    """Return 2,000 tensors of 1,000 entries: what a call costs besides arithmetic."""
    return [(1000,)] * 2000


def _convolution(out: int, into: int, size: int) -> Shapes:
    """Return a convolution's kernel and its normalization's scale and shift."""
    return [(out, into, size, size), (out,), (out,)]


NETWORKS: Mapping[str, Shapes] = {
    "MLP": mlp(),
    "ResNet-50": resnet50(),
    "GPT-2": gpt2(),
    "2,000 x 1k": many(),
}
TINY = "tiny"  # for the tests
SHAPES: Mapping[str, Shapes] = {**NETWORKS, TINY: [(30, 4), (), (7,), (200,)]}

"""The gradients that are clipped."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch

from benchmarks.speed.shapes import NETWORKS, Shapes

_MEMORY = 3  # times the gradients: parameters, gradients, and what they are restored from


class Case(NamedTuple):
    """A list of parameters with gradients.

    Attributes:
        name: What it is called.
        parameters: The parameters.
        originals: Copies of their gradients.
    """

    name: str
    parameters: list[torch.nn.Parameter]
    originals: list[torch.Tensor]

    @property
    def gradients(self) -> list[torch.Tensor]:
        """The gradients as they are."""
        return [p.grad for p in self.parameters if p.grad is not None]

    @property
    def bytes(self) -> int:
        """The memory of the gradients."""
        return sum(g.numel() * g.element_size() for g in self.originals)

    def restore(self) -> None:
        """Make the gradients what they were."""
        torch._foreach_copy_(self.gradients, self.originals)


def llama() -> Shapes:
    """Return a transformer of 1.5 billion entries in 291 tensors."""
    width, hidden = 2048, 5632
    block: Shapes = [
        *[(width, width)] * 4, *[(hidden, width)] * 2, (width, hidden), (width,), (width,),
    ]  # fmt: skip
    return [(32000, width), *block * 27, *block[:4], (width,), (32000, width)]


LISTS: Mapping[str, Shapes] = {**NETWORKS, "1.5 B": llama()}
TINY: Mapping[str, Shapes] = {"tiny": [(30, 4), (7,)]}


def cases(lists: Mapping[str, Shapes], device: torch.device) -> Iterator[Case]:
    """Yield every list in float32 and bfloat16 that the device has room for."""
    for name, shapes in lists.items():
        for dtype in (torch.float32, torch.bfloat16):
            size = sum(torch.Size(s).numel() for s in shapes) * dtype.itemsize
            if device.type == "cuda" and _MEMORY * size > torch.cuda.mem_get_info()[0]:
                continue
            yield case(f"{name}, {str(dtype).removeprefix('torch.')}", shapes, dtype, device)


def case(name: str, shapes: Shapes, dtype: torch.dtype, device: torch.device) -> Case:
    """Return parameters whose gradients are normal numbers."""
    torch.manual_seed(0)
    parameters = []
    for shape in shapes:
        parameters.append(torch.nn.Parameter(torch.zeros(shape, dtype=dtype, device=device)))
        parameters[-1].grad = torch.randn(shape, dtype=dtype, device=device) * 1e-2
    return Case(name, parameters, [p.grad.clone() for p in parameters if p.grad is not None])

# ruff: noqa: INP001  # a script beside the docs, not a module
"""What the picture of `gradclip run` is of: a deep network on MNIST, a page of plain PyTorch."""

import sys
from pathlib import Path

import torch
from torch import nn

sys.path.append(str(Path(__file__).parents[2] / "benchmarks/instrument/scripts"))
import mnist


class Network(nn.Module):
    """Nine layers, so that gradients shrink on their way to the input."""

    def __init__(self) -> None:
        super().__init__()
        self.input = nn.Linear(784, 64)
        self.hidden = nn.ModuleList([nn.Linear(64, 64) for _ in range(6)])
        self.output = nn.Linear(64, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits, (B, 10)."""
        values = torch.tanh(self.input(images))
        for layer in self.hidden:
            values = torch.tanh(layer(values))
        return self.output(values)


torch.manual_seed(0)
model = Network()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for images, labels in mnist.batches(900):
    optimizer.zero_grad()
    logits = model(torch.from_numpy(images))
    nn.functional.cross_entropy(logits, torch.from_numpy(labels)).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()

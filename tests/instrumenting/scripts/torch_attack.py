"""A network of PyTorch's that is not trained: gradients move its inputs."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 1)
x = torch.randn(16, 4, requires_grad=True)
for _ in range(6):
    model.zero_grad()
    model(x).pow(2).mean().backward()
    with torch.no_grad():
        x += 0.1 * x.grad.sign()
    x.grad = None
print("final", x.sum().item().hex())

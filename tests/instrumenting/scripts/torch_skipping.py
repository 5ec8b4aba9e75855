"""A network of PyTorch's whose loop leaves out steps that are not finite, and accumulates."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
optimizer.zero_grad()
for i in range(6):
    x = torch.randn(16, 4)
    if i == 3:
        x[0, 0] = torch.nan
    for half in x.chunk(2):
        (model(half).pow(2).mean() / 2).backward()
    if torch.isfinite(model.weight.grad).all():
        optimizer.step()
    optimizer.zero_grad()
print("final", sum(p.double().sum().item() for p in model.parameters()).hex())

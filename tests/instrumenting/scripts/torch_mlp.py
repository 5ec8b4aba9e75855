"""A small network of PyTorch's, trained in the plainest of loops; `--clip` clips by hand."""

import os
import sys

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
x, y = torch.randn(64, 20), torch.randint(0, 3, (64,))


def norm():
    return torch.stack([p.grad.double().norm() for p in model.parameters()]).norm().item()


for _ in range(25):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    before = norm() if os.environ.get("SHOW") else 0.0
    if "--clip" in sys.argv:
        clip_grad_norm_(model.parameters(), 0.25)
    if os.environ.get("SHOW"):
        print("step", loss.item(), before, norm())
    optimizer.step()

print("final", sum(p.double().sum().item() for p in model.parameters()).hex())

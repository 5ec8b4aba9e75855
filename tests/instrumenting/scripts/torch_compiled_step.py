"""Optimizers of PyTorch's whose step is compiled, in one of the ways that there are."""

import os
import sys

import torch
from torch import nn


class Plain(torch.optim.Optimizer):
    def __init__(self, parameters):
        super().__init__(parameters, {"lr": 0.1})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(p.grad, alpha=-0.1)


torch.manual_seed(0)
way, backend = sys.argv[1:3]
model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 3))
make = Plain if way == "fullgraph" else torch.optim.AdamW
optimizer = make(model.parameters())
if way == "function":

    @torch.compile(backend=backend)
    def step():
        optimizer.step()

elif way == "unwrapped":
    bare = optimizer.step.__wrapped__.__wrapped__
    step = torch.compile(torch.no_grad()(lambda: bare(optimizer)), backend=backend, fullgraph=True)
else:
    step = torch.compile(optimizer.step, backend=backend, fullgraph=way == "fullgraph")


def norm():
    return torch.stack([p.grad.double().norm() for p in model.parameters()]).norm().item()


x, y = torch.randn(64, 20), torch.randint(0, 3, (64,))
for _ in range(12):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    before = norm()
    nn.utils.clip_grad_norm_(model.parameters(), 0.2)
    if os.environ.get("SHOW"):
        print("step", loss.item(), before, norm())
    step()
print("final", sum(p.double().sum().item() for p in model.parameters()).hex())

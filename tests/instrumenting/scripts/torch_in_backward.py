"""A network of PyTorch's with an optimizer for each parameter, which steps within backward."""

import os

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 3))
optimizers = {p: torch.optim.AdamW([p], lr=1e-2, foreach=False) for p in model.parameters()}
norms = []


def step(parameter):
    norms.append(parameter.grad.double().norm())
    optimizers[parameter].step()
    optimizers[parameter].zero_grad()


for parameter in model.parameters():
    parameter.register_post_accumulate_grad_hook(step)
x, y = torch.randn(64, 20), torch.randint(0, 3, (64,))
for _ in range(12):
    norms.clear()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    if os.environ.get("SHOW"):
        norm = torch.stack(norms).norm().item()
        print("step", loss.item(), norm, norm)
print("final", sum(p.double().sum().item() for p in model.parameters()).hex())

"""Two processes of which each has columns and rows of a network, with biases that both have."""

import os

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    RowwiseParallel,
    parallelize_module,
)

dist.init_process_group("gloo")
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 3))
mesh = dist.init_device_mesh("cpu", (2,))
parallelize_module(model, mesh, {"0": ColwiseParallel(), "2": RowwiseParallel()})
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
x, y = torch.randn(64, 20), torch.randint(0, 3, (64,))


def norm():
    whole = [p.grad.full_tensor().double().norm() for p in model.parameters()]
    return torch.stack(whole).norm().item()


for _ in range(6):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    if os.environ.get("SHOW"):
        found = norm()
        if dist.get_rank() == 0:
            print("step", loss.item(), found, found)
    optimizer.step()

total = sum(p.detach().full_tensor().double().sum().item() for p in model.parameters())
if dist.get_rank() == 0:
    print("final", total.hex())
dist.destroy_process_group()

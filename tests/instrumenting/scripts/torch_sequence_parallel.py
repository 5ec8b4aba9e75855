"""Two processes with a part of each sequence: some gradients are sums, `added` up or not."""

import os
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.tensor import Shard
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    RowwiseParallel,
    SequenceParallel,
    parallelize_module,
)

dist.init_process_group("gloo")
torch.manual_seed(0)
model = nn.Sequential(nn.LayerNorm(20), nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 3))
mesh = dist.init_device_mesh("cpu", (2,))
plan = {
    "0": SequenceParallel(),
    "1": ColwiseParallel(input_layouts=Shard(1)),
    "3": RowwiseParallel(),
}
parallelize_module(model, mesh, plan)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(8, 6, 20), torch.randint(0, 3, (8, 6))
part = x.chunk(2, dim=1)[dist.get_rank()]


def norm():
    whole = [p.grad.full_tensor().double().norm() for p in model.parameters()]
    return torch.stack(whole).norm().item()


for _ in range(6):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(part).flatten(0, 1), y.flatten())
    loss.backward()
    if "added" in sys.argv:
        for p in model.parameters():
            p.grad = p.grad.redistribute(placements=p.placements)
    if os.environ.get("SHOW"):
        found = norm()
        if dist.get_rank() == 0:
            print("step", loss.item(), found, found)
    optimizer.step()

total = sum(p.detach().full_tensor().double().sum().item() for p in model.parameters())
if dist.get_rank() == 0:
    print("final", total.hex())
dist.destroy_process_group()

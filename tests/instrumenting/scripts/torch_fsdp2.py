"""Processes of which each has a shard of a network of PyTorch's; of four, two have the same."""

import os

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import fully_shard

dist.init_process_group("gloo")
torch.manual_seed(0)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(20, 15)
        self.head = nn.Linear(15, 3)
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return self.head(self.body(x).relu()) * self.scale


model = Network()
rank, world = dist.get_rank(), dist.get_world_size()
names = ("copies", "parts")[-world // 2 :]
mesh = dist.init_device_mesh("cpu", (2,) * len(names), mesh_dim_names=names)
fully_shard(model.body, mesh=mesh)
fully_shard(model, mesh=mesh)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
x, y = torch.randn(world, 32, 20)[rank], torch.randint(0, 3, (world, 32))[rank]


def whole(tensor):
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def norms():
    return torch.stack([whole(p.grad).double().norm() for p in model.parameters()])


for _ in range(12):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    if os.environ.get("SHOW"):
        before = norms()
    nn.utils.clip_grad_norm_(model.parameters(), 0.15)
    if os.environ.get("SHOW"):
        after, largest = norms(), [whole(p.grad).abs().max().item() for p in model.parameters()]
        weights = [whole(p).double().norm().item() for p in model.parameters()]
        if rank == 0:
            print("step", loss.item(), before.norm().item(), after.norm().item())
            print("each", *before.tolist())
            print("weights", *weights)
    optimizer.step()

total = sum(whole(p.detach()).double().sum().item() for p in model.parameters())
if rank == 0:
    print("final", total.hex())
dist.destroy_process_group()

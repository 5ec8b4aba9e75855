"""Processes that share a network by FSDP's first version: `torch_fsdp1.py FULL_SHARD flat`."""

import gc
import os
import sys
import warnings

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel, ShardingStrategy

warnings.filterwarnings("ignore")
SHOW, STRATEGY = os.environ.get("SHOW"), sys.argv[1]
dist.init_process_group("gloo")
torch.manual_seed(0)
rank, world = dist.get_rank(), dist.get_world_size()
network = nn.Sequential(nn.Linear(20, 15), nn.ReLU(), nn.Linear(15, 3))
mesh = None
if STRATEGY == "HYBRID_SHARD":
    mesh = dist.init_device_mesh("cpu", (2, world // 2), mesh_dim_names=("copies", "parts"))
model = FullyShardedDataParallel(
    network,
    sharding_strategy=ShardingStrategy[STRATEGY],
    device_mesh=mesh,
    device_id=torch.device("cpu"),
    use_orig_params="flat" not in sys.argv,
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(world, 32, 20)[rank], torch.randint(0, 3, (world, 32))[rank]


def norm():
    squares = sum(p.grad.double().square().sum() for p in model.parameters() if p.grad is not None)
    squares = torch.as_tensor(squares, dtype=torch.float64)
    if STRATEGY != "NO_SHARD":
        dist.all_reduce(squares, group=None if mesh is None else mesh.get_group("parts"))
    return squares.sqrt().item()


for _ in range(8):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    before = norm() if SHOW else 0.0
    model.clip_grad_norm_(0.15)
    after = norm() if SHOW else 0.0
    if SHOW and rank == 0:
        print("step", loss.item(), before, after)
    optimizer.step()

with FullyShardedDataParallel.summon_full_params(model):
    total = sum(p.detach().double().sum().item() for p in network.parameters())
if rank == 0:
    print("final", total.hex())
dist.destroy_process_group()
# Gloo's threads end with the last object that needs them. One that still frees a tensor while
# Python ends is unwound, and that aborts the process.
model = network = optimizer = loss = None
gc.collect()

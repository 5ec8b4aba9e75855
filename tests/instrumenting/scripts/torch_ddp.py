"""Two processes that train one network of PyTorch's, each on its own half of the batch."""

import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
torch.manual_seed(0)
model = DistributedDataParallel(nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 3)))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
x, y = torch.randn(2, 32, 20)[dist.get_rank()], torch.randint(0, 3, (2, 32))[dist.get_rank()]


def norm():
    return torch.stack([p.grad.double().norm() for p in model.parameters()]).norm().item()


for _ in range(12):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    before = norm()
    nn.utils.clip_grad_norm_(model.parameters(), 0.2)
    if os.environ.get("SHOW") and dist.get_rank() == 0:
        print("step", loss.item(), before, norm())
    optimizer.step()

if dist.get_rank() == 0:
    print("final", sum(p.double().sum().item() for p in model.parameters()).hex())
dist.destroy_process_group()

"""PyTorch: 784-128-10 on MNIST, Adam; `--clip` clips by the global norm."""

import sys
import time

import mnist
import torch
from torch import nn

STEPS, WARM = 4000, 200
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
data = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in mnist.batches(900)]
clip = "--clip" in sys.argv

for step in range(STEPS):
    if step == WARM:
        start = time.perf_counter()
    x, y = data[step % len(data)]
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
print("loop", time.perf_counter() - start, STEPS - WARM, loss.item().hex())

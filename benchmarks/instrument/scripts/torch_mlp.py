"""PyTorch: 784-128-10 on MNIST, Adam; `--clip` clips by the global norm, `--cuda` is on a GPU."""

import sys
import time

import mnist
import torch
from torch import nn

STEPS, WARM = 4000, 200
torch.manual_seed(0)
device = "cuda" if "--cuda" in sys.argv else "cpu"
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
data = [[torch.from_numpy(part).to(device) for part in batch] for batch in mnist.batches(900)]
clip = "--clip" in sys.argv

for step in range(STEPS):
    if step == WARM:
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
    x, y = data[step % len(data)]
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
last = loss.item()
print("loop", time.perf_counter() - start, STEPS - WARM, last.hex())

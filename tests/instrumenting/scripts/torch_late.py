"""A loop that is followed from its own first line on, after PyTorch was imported."""

import sys

import torch
from torch.nn.utils import clip_grad_norm_

import gradclip

torch.manual_seed(0)
gradclip.instrument(out=sys.argv[1], quiet=True)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.randn(16, 4)
for _ in range(5):
    optimizer.zero_grad()
    loss = model(x).square().mean()
    loss.backward()
    clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()

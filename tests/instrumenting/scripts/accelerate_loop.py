"""A loop with Accelerate: gradients of two batches a step, clipped by the accelerator."""

import os

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

SHOW = os.environ.get("SHOW")


def norm(model):
    return torch.linalg.vector_norm(
        torch.cat([p.grad.flatten().double() for p in model.parameters()])
    ).item()


def main():
    set_seed(0)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    x = torch.randn(96, 8)
    y = 5 * x[:, :1]
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    total = 0.0
    for inputs, targets in loader:
        with accelerator.accumulate(model):
            loss = (model(inputs) - targets).square().mean()
            total += loss.item() / 2
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                before = norm(model) if SHOW else 0.0
                accelerator.clip_grad_norm_(model.parameters(), 5.0)
                if SHOW:
                    print("step", total, before, norm(model))
                total = 0.0
            optimizer.step()
            optimizer.zero_grad()
    with torch.no_grad():
        print("final", (model(x) - y).square().mean().item().hex())


main()

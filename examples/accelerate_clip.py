"""Train with Accelerate, its gradients clipped by a policy.

`clipper.clip_(model.named_parameters())` stands where `accelerator.clip_grad_norm_` would. It runs
with `pip install "gradclip[torch]" accelerate`.
"""

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from gradclip import ZClip
from gradclip.integrations.accelerate import Clipper


def make_data():
    """Return pairs of a point and its product of coordinates; a few of them lie far away."""
    points = torch.randn(2048, 2)
    points[::100] *= 10
    pairs = TensorDataset(points, points.prod(dim=1, keepdim=True))
    return DataLoader(pairs, batch_size=16, shuffle=True)


def main():
    set_seed(0)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    model, optimizer, data = accelerator.prepare(model, optimizer, make_data())
    clipper = Clipper(accelerator, ZClip(warmup=10))

    clipped = []
    for points, products in data:
        with accelerator.accumulate(model):
            loss = nn.functional.mse_loss(model(points), products)
            accelerator.backward(loss)
            clipper.clip_(model.named_parameters())
            optimizer.step()
            optimizer.zero_grad()
        if accelerator.sync_gradients and clipper.report.scale < 1:
            clipped.append(clipper.report)

    print(f"{len(clipped)} of {len(data) // 2} steps were clipped, the largest:")
    print(max(clipped, key=lambda report: report.norm_before))


if __name__ == "__main__":
    main()

"""One step of two processes that share their gradients; each prints what it has."""

import sys

import torch
from accelerate import Accelerator, debug_launcher

from gradclip.integrations.accelerate import Clipper


class Slope(torch.nn.Module):
    """A loss whose gradient is the batch."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(2))

    def forward(self, x):
        return (self.weight * x).sum()


def main():
    accelerator = Accelerator(cpu=True)
    model = Slope()
    model, optimizer = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=1.0))
    clipper = Clipper(accelerator, "global-norm=1")
    batch = [[6.0, 0.0], [0.0, 8.0]][accelerator.process_index]
    accelerator.backward(model(torch.tensor(batch)))
    norm = clipper.clip_(model.named_parameters()).norm_before
    optimizer.step()
    x, y = model.module.weight.tolist()
    sys.stdout.write(f"{type(model).__name__} {norm} {x:.4f} {y:.4f}\n")


if __name__ == "__main__":
    debug_launcher(main, num_processes=2)

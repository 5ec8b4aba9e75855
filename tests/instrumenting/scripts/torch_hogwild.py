"""A network of PyTorch's in shared memory that two child processes train at once."""

import torch
import torch.multiprocessing as mp
from torch import nn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 8)
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.body(x).relu())


def train(rank, model):
    torch.manual_seed(rank)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x = torch.randn(16, 4)
    for _ in range(5 + rank):
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()


if __name__ == "__main__":
    torch.manual_seed(0)
    model = Network()
    model.share_memory()
    context = mp.get_context("spawn")
    children = [context.Process(target=train, args=(rank, model)) for rank in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    print("final", sum(p.double().sum().item() for p in model.parameters()).hex())

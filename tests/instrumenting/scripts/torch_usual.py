"""A loop of PyTorch's most steps of which are alike; in between each of the others comes once."""

import contextlib
import os

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

SHOW = os.environ.get("SHOW")
torch.manual_seed(0)
x, y = torch.randn(48, 10), torch.randint(0, 3, (48,))
model = nn.Sequential(nn.Linear(10, 8), nn.Tanh(), nn.Linear(8, 3))
optimizer = torch.optim.SGD(model[0].parameters(), lr=0.5)
loss_of = nn.CrossEntropyLoss()


def norm():
    found = [p.grad.double().norm() for p in model.parameters() if p.grad is not None]
    return torch.stack(found).norm().item() if SHOW else 0.0


def show(loss, before, after=None):
    if SHOW:
        print("step", float(loss), before, before if after is None else after)


def in_two_halves():
    optimizer.zero_grad()
    losses = [loss_of(model(x[half]), y[half]) / 2 for half in (slice(24), slice(24, 48))]
    for loss in losses:
        loss.backward()
    show(sum(losses).item(), norm())
    optimizer.step()


def twice():
    """Compute gradients that no step gets, and then again: the loss is that of both."""
    optimizer.zero_grad()
    first = loss_of(model(x), y)
    first.backward()
    optimizer.zero_grad()
    loss = loss_of(model(x), y)
    loss.backward()
    show(loss.item() + first.item(), norm())
    optimizer.step()


def by_closure():
    def closure():
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        show(loss.item(), norm())
        return loss

    optimizer.step(closure)


def weighted():
    optimizer.zero_grad()
    loss = loss_of(model(x), y)
    loss.backward(torch.tensor(0.5))
    show(loss.item() / 2, norm())
    optimizer.step()


def clipped():
    optimizer.zero_grad()
    loss = loss_of(model(x), y)
    loss.backward()
    before = norm()
    clip_grad_norm_(model.parameters(), 0.05)
    show(loss.item(), before, norm())
    optimizer.step()


def failing():
    """Have a step fail before anything is changed, and take it again."""

    def fail(*_):
        handle.remove()
        raise ValueError

    optimizer.zero_grad()
    loss = loss_of(model(x), y)
    loss.backward()
    handle = optimizer.register_step_pre_hook(fail)
    with contextlib.suppress(ValueError):
        optimizer.step()
    usual()


def without_one():
    optimizer.zero_grad()
    loss = loss_of(model(x), y)
    loss.backward()
    model[0].bias.grad = None
    show(loss.item(), norm())
    optimizer.step()


def usual():
    optimizer.zero_grad()
    loss = loss_of(model(x), y)
    loss.backward()
    show(loss.item(), norm())
    optimizer.step()


OTHERS = {
    14: in_two_halves,
    25: twice,
    36: by_closure,
    47: weighted,
    58: clipped,
    69: failing,
    85: without_one,
}
for p in model[2].parameters():
    p.requires_grad_(False)  # noqa: FBT003 - PyTorch's
for step in range(96):
    OTHERS.get(step, usual)()
print("final", sum(p.detach().double().sum().item() for p in model.parameters()).hex())

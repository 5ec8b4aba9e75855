"""A loop of PyTorch's most steps of which are alike; in between each of the others comes once.

With `clipped` as its argument most steps clip.
"""

import contextlib
import functools
import os
import sys

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

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


def usual(*ways, earlier=0.0):
    """Take a step whose gradients are clipped in these ways, and show its and an earlier loss."""
    optimizer.zero_grad()
    loss = loss_of(model(x), y)
    loss.backward()
    before = norm()
    for clip in ways:
        clip()
    show(loss.item() + earlier, before, norm())
    optimizer.step()


def by_norm():
    clip_grad_norm_(model.parameters(), 0.05)


def by_value():
    clip_grad_value_(model[0].weight, 0.01)


def by_tensor():
    clip_grad_norm_(model.parameters(), torch.tensor(0.03))


def of_nothing():
    clip_grad_norm_(model[2].parameters(), 0.02)


def by_infinity():
    clip_grad_norm_(model.parameters(), torch.inf)


def nothing():
    pass


def in_two_halves(between=nothing, end=nothing):
    """Add the gradients of two halves of the data, which may be clipped after each."""
    optimizer.zero_grad()
    losses = [loss_of(model(x[half]), y[half]) / 2 for half in (slice(24), slice(24, 48))]
    before = 0.0
    for loss, clip in zip(losses, (between, end), strict=True):
        loss.backward()
        before = before if clip is nothing else norm()
        clip()
    show(sum(losses).item(), before or norm(), norm())
    optimizer.step()


def unused(clip=nothing):
    """Compute gradients that no step gets, and return their loss: that of the next is of both."""
    optimizer.zero_grad()
    loss = 2 * loss_of(model(x), y)
    loss.backward()
    clip()
    return loss.item()


def twice(first=nothing, *ways):
    usual(*ways, earlier=unused(first))


def by_closure(first=None):
    earlier = 0.0 if first is None else unused(first)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        show(loss.item() + earlier, norm())
        return loss

    optimizer.step(closure)


def weighted():
    optimizer.zero_grad()
    loss = loss_of(model(x), y)
    loss.backward(torch.tensor(0.5))
    show(loss.item() / 2, norm())
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


clipped = functools.partial(usual, by_norm)
OTHERS = {
    14: in_two_halves,
    25: twice,
    36: by_closure,
    47: weighted,
    58: clipped,
    69: failing,
    85: without_one,
}
CLIPPED = {
    14: usual,
    25: in_two_halves,
    34: functools.partial(in_two_halves, by_norm),
    43: functools.partial(in_two_halves, by_norm, by_norm),
    47: functools.partial(twice, by_norm, by_value),
    54: by_closure,
    58: functools.partial(usual, by_value),
    62: functools.partial(usual, by_norm, by_norm),
    66: functools.partial(usual, by_norm, by_value),
    70: functools.partial(by_closure, by_norm),
    74: functools.partial(usual, by_tensor),
    78: functools.partial(usual, of_nothing),
    82: functools.partial(twice, by_norm),
    85: functools.partial(usual, by_infinity),
    89: failing,
}
most, others = (clipped, CLIPPED) if "clipped" in sys.argv else (usual, OTHERS)
for p in model[2].parameters():
    p.requires_grad_(False)  # noqa: FBT003 - PyTorch's
for step in range(96):
    others.get(step, most)()
print("final", sum(p.detach().double().sum().item() for p in model.parameters()).hex())

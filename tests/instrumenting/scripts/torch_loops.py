"""Ways to train with PyTorch, each by its name: `torch_loops.py clamp`."""

import os
import sys

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody writes it
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

SHOW = os.environ.get("SHOW")
STEPS = 12

torch.manual_seed(0)
x, y = torch.randn(48, 10), torch.randint(0, 3, (48,))


def network():
    return nn.Sequential(nn.Linear(10, 8), nn.Tanh(), nn.Linear(8, 3))


def norm(*models):
    grads = [p.grad for model in models for p in model.parameters() if p.grad is not None]
    return torch.stack([g.double().norm() for g in grads]).norm().item() if SHOW else 0.0


def show(loss, before, after=None):
    if SHOW:
        print("step", torch.as_tensor(loss).item(), before, before if after is None else after)


def finish(*models):
    parameters = [p for model in models for p in model.parameters()]
    print("final", sum(p.detach().double().sum().item() for p in parameters).hex())


def train(model, optimizer, *, forward=None, clip=None):
    """Train in the plainest of loops, with something done to the gradients before each step."""
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = F.cross_entropy((forward or model)(x), y)
        loss.backward()
        before = norm(model)
        if clip is not None:
            clip(model.parameters())
        optimizer.step()
        show(loss, before, norm(model))
    finish(model)


def descent(model):
    return torch.optim.SGD(model.parameters(), lr=0.5)


def value():
    model = network()
    train(model, descent(model), clip=lambda given: clip_grad_value_(given, clip_value=0.02))


def clamp():
    def clip(parameters):
        for p in parameters:
            p.grad.data.clamp_(-0.02, 0.02)

    model = network()
    train(model, descent(model), clip=clip)


def accumulate():
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(0.01), foreach=False)
    for _ in range(STEPS):
        total = 0.0
        for part, target in zip(x.chunk(3), y.chunk(3), strict=True):
            loss = F.cross_entropy(model(part), target) / 3
            loss.backward()
            total += loss.item()
        before = norm(model)
        clip_grad_norm_((p for p in model.parameters()), max_norm=0.1)
        show(total, before, norm(model))
        optimizer.step()
        optimizer.zero_grad()
    finish(model)


def measured():
    model = network()
    optimizer = torch.optim.RMSprop(model.parameters())
    train(model, optimizer, clip=lambda given: clip_grad_norm_(given, float("inf")))


def gan():
    generator, critic = nn.Linear(2, 10), nn.Linear(10, 1)
    first = torch.optim.SGD(critic.parameters(), lr=0.1)
    second = torch.optim.Adam(generator.parameters())
    for _ in range(STEPS):
        noise = torch.randn(48, 2)
        first.zero_grad()
        loss = critic(generator(noise).detach()).mean() - critic(x).mean()
        loss.backward()
        came = norm(critic)
        clip_grad_norm_(critic.parameters(), 0.5)
        kept = norm(critic)
        first.step()
        second.zero_grad()
        other = -critic(generator(noise)).mean()
        other.backward()
        rest = norm(generator) ** 2
        show(loss.item() + other.item(), (came**2 + rest) ** 0.5, (kept**2 + rest) ** 0.5)
        second.step()
    finish(generator, critic)


def critics():
    generator, critic = nn.Linear(2, 10), nn.Linear(10, 1)
    first = torch.optim.SGD(critic.parameters(), lr=0.1)
    second = torch.optim.Adam(generator.parameters())
    for step in range(STEPS):
        noise = torch.randn(48, 2)
        first.zero_grad()
        loss = critic(generator(noise).detach()).square().mean() - critic(x).mean()
        loss.backward()
        before = norm(critic)
        first.step()
        total = loss.item()
        if step % 3 == 2:
            second.zero_grad()
            other = -critic(generator(noise)).mean()
            other.backward()
            second.step()
            total, before = total + other.item(), (before**2 + norm(generator) ** 2) ** 0.5
        show(total, before)
    finish(generator, critic)


def two():
    model = network()
    matrices = [p for p in model.parameters() if p.ndim == 2]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    optimizers = [torch.optim.SGD(matrices, lr=0.1), torch.optim.AdamW(vectors)]
    for _ in range(STEPS):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        show(loss, norm(model))
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    finish(model)


def lbfgs():
    model = network()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=4)
    for _ in range(4):
        seen = []

        def closure(seen=seen):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            seen.append((loss.item(), norm(model)))
            return loss

        optimizer.step(closure)
        show(*seen[0])
    finish(model)


def closure():
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    for _ in range(STEPS):

        def closure():
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            before = norm(model)
            nn.utils.clip_grad_norm_(model.parameters(), 0.2)
            show(loss, before, norm(model))
            return loss

        optimizer.step(closure=closure)
    finish(model)


def scaler(*, fused=False):
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=4)
    for step in range(STEPS):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(x), y)
        if step == 5:
            loss = loss * float("inf")
        scale = scaler.get_scale()
        scaler.scale(loss).backward()
        before = norm(model) / scale if step != 5 else float("nan")
        show(loss, before, before if step != 5 else 0.0)
        scaler.step(optimizer)
        scaler.update()
    finish(model)


def fused():
    scaler(fused=True)


def unscaled():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for _ in range(STEPS):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        before = norm(model)
        clip_grad_norm_(model.parameters(), 0.1)
        show(loss, before, norm(model))
        scaler.step(optimizer)
        scaler.update()
    finish(model)


def sparse():
    table = nn.Embedding(20, 4, sparse=True)
    optimizer = torch.optim.SparseAdam(table.parameters())
    rows = torch.tensor([1, 3, 3, 7])
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = table(rows).square().sum()
        loss.backward()
        show(loss, table.weight.grad.to_dense().double().norm().item() if SHOW else 0.0)
        optimizer.step()
    finish(table)


def partial():
    model, unused = network(), nn.Linear(3, 3)
    parameters = [*model.parameters(), *unused.parameters()]
    train(model, torch.optim.SGD(parameters, lr=0.5, momentum=0.9))


def compiled():
    model = network()
    train(model, descent(model), forward=torch.compile(model, backend="eager"))


def added():
    model, head = nn.Linear(10, 5), nn.Linear(5, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for step in range(STEPS):
        if step == 6:
            optimizer.add_param_group({"params": head.parameters()})
        optimizer.zero_grad()
        loss = F.cross_entropy(head(model(x)), y)
        loss.backward()
        show(loss, norm(model, head) if step >= 6 else norm(model))
        optimizer.step()
        head.zero_grad()
    finish(model, head)


def attached():
    gradclip = __import__("gradclip")
    model = network()
    optimizer = descent(model)
    gradclip.torch.attach(optimizer, os.environ.get("POLICY", "global-norm=0.1"), model)
    train(model, optimizer)


def bare():
    model = network()
    train(model, descent(model))


if __name__ == "__main__":
    globals()[sys.argv[1]]()

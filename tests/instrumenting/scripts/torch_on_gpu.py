"""Loops of PyTorch's on a GPU: the argument says of which kind."""

import contextlib
import os
import sys

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, get_total_norm

SHOW = os.environ.get("SHOW")
STEPS, WARM = 12, 3
KIND = sys.argv[1]
torch.manual_seed(0)
torch.use_deterministic_algorithms(mode=True)
device = torch.device("cuda")
model = nn.Sequential(nn.Linear(64, 128), nn.Tanh(), nn.Linear(128, 10)).to(device)
batches = [
    (torch.randn(256, 64, device=device), torch.randint(0, 10, (256,), device=device))
    for _ in range(STEPS)
]
optimizer = torch.optim.AdamW(
    model.parameters(), lr=1e-2, fused=KIND != "graph", capturable=KIND == "graph"
)
scaler = torch.amp.GradScaler("cuda", enabled=KIND == "scaled", init_scale=2.0**24)
network = torch.compile(model, mode="reduce-overhead") if KIND == "compiled" else model
if KIND == "callables":
    network = torch.cuda.make_graphed_callables(model, (batches[0][0],))


def norm():
    return get_total_norm([p.grad for p in model.parameters()]).double()


def show(loss, before, after):
    if SHOW:
        print("step", float(loss), float(before), float(after))


def forward_and_backward(x, y):
    narrow = torch.autocast("cuda", torch.float16) if KIND == "scaled" else contextlib.nullcontext()
    with narrow:
        loss = nn.functional.cross_entropy(network(x), y)
    scaler.scale(loss).backward()
    return loss.detach()


def step(x, y):
    optimizer.zero_grad(set_to_none=True)
    loss = forward_and_backward(x, y)
    if scaler.is_enabled():
        scaler.unscale_(optimizer)
    before = clip_grad_norm_(model.parameters(), 0.5)
    after = norm()
    scaler.step(optimizer)
    scaler.update()
    return loss, before, after


def train():
    for x, y in batches:
        loss, before, after = step(x, y)
        if not bool(before.isfinite()):
            after = torch.zeros(())  # the step is dropped
        show(loss, before, after)


def replay():
    """Capture a step in a graph, after some outside, and let it take all others."""
    x, y = (t.clone() for t in batches[0])
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM):
            show(*step(x, y))
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        numbers = step(x, y)
    for new, target in batches:
        x.copy_(new)
        y.copy_(target)
        graph.replay()
        show(*numbers)


if KIND == "graph":
    replay()
elif KIND == "stream":
    with torch.cuda.stream(torch.cuda.Stream()):
        torch.cuda._sleep(1 << 28)  # whoever does not wait for this stream reads too early
        train()
else:
    train()
print(
    "final",
    torch.cat([p.detach().double().flatten() for p in model.parameters()]).sum().item().hex(),
)

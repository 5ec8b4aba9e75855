"""Time whole training steps in PyTorch: without clipping, with PyTorch's and with gradclip's."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import torch

import gradclip
import gradclip.torch
from benchmarks.speed.contenders.case import CASES, case
from benchmarks.speed.contenders.gradients import Gradients
from benchmarks.speed.functions import environment
from benchmarks.speed.models import MODELS
from benchmarks.speed.shapes import SHAPES
from benchmarks.speed.store import Row
from benchmarks.speed.timing import Contender, interleave

# Bare optimizer steps, whose clip can be folded into them. No forward, no backward.
FUSED = {f"fused AdamW, {name}": name for name in ("ResNet-50", "GPT-2", "tiny")}
NAMES = (*MODELS, *(name for name in FUSED if name != "fused AdamW, tiny"))
SECONDS = 30.0
_MAX_ROUNDS = 3000
_OPEN = ExitStack()  # what the steps of a process write to


def measure(
    names: tuple[str, ...] = NAMES, *, threads: int, seconds: float = SECONDS
) -> Iterator[Row]:
    """Time training steps, each model in a process of its own.

    Args:
        names: Some of `MODELS` and `FUSED`.
        threads: How many threads to use.
        seconds: How long the contenders of a case take turns.

    Yields:
        A row for each contender; the ratio is to a step without clipping.
    """
    for name in names:
        command = [sys.executable, "-m", "benchmarks.speed.steps", name, str(threads)]
        done = subprocess.run(
            [*command, str(seconds)],
            check=True, stdout=subprocess.PIPE, text=True, env=environment(threads),
        )  # fmt: skip
        for line in done.stdout.splitlines():
            yield json.loads(line)


def rows(name: str, threads: int, seconds: float) -> Iterator[Row]:
    """Time one model's steps in this process.

    Yields:
        A row for each contender.
    """
    torch.set_num_threads(threads)
    for kind in CASES:
        with _OPEN:
            contenders = _fused(name, kind, threads) if name in FUSED else _training(name, kind)
            timings = list(interleave(contenders, seconds, _MAX_ROUNDS))
        for timing in timings:
            yield {"model": name, "case": kind, "threads": threads, **timing._asdict()}


def _training(name: str, kind: str) -> list[Contender]:
    """Return steps of a model, each on a copy of its own."""
    limit = 1e9 if kind == CASES[0] else 1e-3
    return [Contender(clip, _step(name, make, limit)) for clip, make in _CLIPS.items()]


def _step(name: str, make: "MakeClip", limit: float) -> Callable[[], object]:
    """Return a step: gradients, clip, update."""
    torch.manual_seed(0)
    model, loss = MODELS[name]()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    update = make(optimizer, model, limit)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        update()

    return step


def _fused(name: str, kind: str, threads: int) -> list[Contender]:
    """Return bare steps of a fused optimizer on the same parameters and gradients."""
    given = Gradients(case(SHAPES[FUSED[name]], clips=kind == CASES[1], threads=threads))
    return [
        Contender(
            clip,
            make(
                torch.optim.AdamW(given.parameters, lr=1e-4, fused=True), given.module, given.limit
            ),
            prepare=given.restore,
        )
        for clip, make in _CLIPS.items()
    ]


Step = Callable[[], object]
MakeClip = Callable[[torch.optim.Optimizer, torch.nn.Module, float], Step]


def _bare(optimizer: torch.optim.Optimizer, model: torch.nn.Module, limit: float) -> Step:
    del model, limit
    return lambda: optimizer.step()


def _torch(optimizer: torch.optim.Optimizer, model: torch.nn.Module, limit: float) -> Step:
    parameters = list(model.parameters())

    def step() -> None:
        torch.nn.utils.clip_grad_norm_(parameters, limit)
        optimizer.step()

    return step


def _attached(optimizer: torch.optim.Optimizer, model: torch.nn.Module, limit: float) -> Step:
    gradclip.torch.attach(optimizer, gradclip.GlobalNorm(limit), model)
    return lambda: optimizer.step()


def _measured(optimizer: torch.optim.Optimizer, model: torch.nn.Module, limit: float) -> Step:
    gradclip.torch.attach(optimizer, gradclip.GlobalNorm(limit), model, statistics=True)
    return lambda: optimizer.step()


def _recorded(optimizer: torch.optim.Optimizer, model: torch.nn.Module, limit: float) -> Step:
    folder = _OPEN.enter_context(tempfile.TemporaryDirectory())
    recorder = _OPEN.enter_context(gradclip.Recorder(f"{folder}/run", model.named_parameters()))
    policy = gradclip.GlobalNorm(limit)
    gradclip.torch.attach(optimizer, policy, model, statistics=True, recorder=recorder)
    return lambda: optimizer.step()


_CLIPS: dict[str, MakeClip] = {
    "no clipping": _bare,
    "torch clip_grad_norm_": _torch,
    "gradclip attach": _attached,
    "gradclip attach, four statistics": _measured,
    "gradclip attach, everything recorded": _recorded,
}


def main() -> None:
    """Print the rows of one model as JSON, one a line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=[*MODELS, *FUSED])
    parser.add_argument("threads", type=int)
    parser.add_argument("seconds", type=float)
    for row in rows(**vars(parser.parse_args())):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()

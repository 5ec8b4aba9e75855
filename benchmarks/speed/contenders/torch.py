"""`clip_grad_norm_` of gradclip and of PyTorch, and those who log or adapt."""

import math
from collections.abc import Callable

import torch
from lightning.pytorch.utilities import grad_norm

import gradclip
import gradclip.torch
from benchmarks.speed.contenders.adaptive import adaptive
from benchmarks.speed.contenders.case import Case
from benchmarks.speed.contenders.gradients import Gradients
from benchmarks.speed.library import without_library
from benchmarks.speed.timing import Contender

Run = Callable[[], object]
_torch, _gradclip = torch.nn.utils.clip_grad_norm_, gradclip.torch.clip_grad_norm_


def contenders(case: Case) -> list[Contender]:
    """Return who is timed; all work in place on the same gradients."""
    torch.set_num_threads(case.threads)
    return contenders_of(Gradients(case))


def contenders_of(given: Gradients) -> list[Contender]:
    """Return who is timed on some gradients."""
    groups = {"2-norm": _norms(given) | _logging(given), "largest modulus": _largest(given)}
    own = [
        Contender(name, run, group, given.restore)
        for group, runs in groups.items()
        for name, run in runs.items()
    ]
    return own + adaptive(given)


def _norms(given: Gradients) -> dict[str, Run]:
    """Return those that clip by the 2-norm."""
    parameters, limit = given.parameters, given.limit
    plain = {
        "gradclip clip_grad_norm_": lambda: _gradclip(parameters, limit),
        "gradclip, four statistics": lambda: _with_statistics(given),
    }
    return {
        "torch clip_grad_norm_": lambda: _torch(parameters, limit),
        "torch clip_grad_norm_, foreach=True": lambda: _torch(parameters, limit, foreach=True),
        "torch clip_grad_norm_, for-loop": lambda: _torch(parameters, limit, foreach=False),
        **plain,
        **{f"{name}, without C": _without_library(run) for name, run in plain.items()},
        "gradclip Clipper": _clipper(given, statistics=False),
        "gradclip Clipper, statistics=True": _clipper(given, statistics=True),
    }


def _largest(given: Gradients) -> dict[str, Run]:
    """Return those that clip by the largest modulus."""
    parameters, limit = given.parameters, given.largest
    return {
        "torch clip_grad_norm_, norm_type=inf": lambda: _torch(parameters, limit, math.inf),
        "gradclip clip_grad_norm_, norm_type=inf": lambda: _gradclip(parameters, limit, math.inf),
        "gradclip clip_grad_norm_, norm_type=inf, without C": _without_library(
            lambda: _gradclip(parameters, limit, math.inf)
        ),
    }


def _logging(given: Gradients) -> dict[str, Run]:
    """Return those that look at each tensor and clip nothing."""
    return {
        "log .norm().item() of each, no clip": lambda: [g.norm().item() for g in given.list],
        "lightning grad_norm, no clip": lambda: grad_norm(given.module, 2),
    }


def _with_statistics(given: Gradients) -> object:
    found = gradclip.torch.gradient_statistics(given.list)
    gradclip.torch.clip_grads_with_norm_(given.parameters, given.limit, found.global_norm)
    return found


def _clipper(given: Gradients, *, statistics: bool) -> Run:
    clipper = gradclip.torch.Clipper(gradclip.GlobalNorm(given.limit), statistics=statistics)
    return lambda: clipper.clip_(given.parameters)


def _without_library(run: Run) -> Run:
    def without() -> object:
        with without_library():
            return run()

    return without

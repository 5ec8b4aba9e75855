"""What the edited copies call: writes every step's loss and norms, by the frameworks' own means.

It is copied beside the program. Norms are computed in float64, one tensor after the other.
"""

import json
import os
from pathlib import Path

import numpy as np

_parts = []


def norms(named):
    """Return the norms of PyTorch's gradients, by name."""
    return {
        name: parameter.grad.detach().double().norm().item()
        for name, parameter in named
        if parameter.grad is not None
    }


def step(loss, before, after=None):
    """Write a step: its loss, and each tensor's norm before and after clipping, by name."""
    with Path(os.environ["SHOWN"]).open("a") as file:
        line = {"loss": float(loss), "before": before, "after": before if after is None else after}
        file.write(json.dumps(line) + "\n")


def names(named):
    """Write the names that the model itself gives its parameters."""
    with Path(os.environ["SHOWN"]).open("a") as file:
        file.write(json.dumps({"names": list(named)}) + "\n")


def arrays(loss, gradients, names_of_them):
    """Write a step of arrays that NumPy understands."""
    step(loss, dict(zip(names_of_them, map(_norm, gradients), strict=True)))


def tree(loss, gradients):
    """Write a step of JAX's: names are the keys to each leaf, joined by dots.

    Flax's variables hold their array as `value`, which is no part of their path.
    """
    import jax

    leaves = jax.tree_util.tree_flatten_with_path(gradients)[0]
    paths = (jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves)
    norms_of_them = (_norm(gradient) for _, gradient in leaves)
    step(loss, dict(zip((p.removesuffix(".value") for p in paths), norms_of_them, strict=True)))


def in_graph(loss, gradients, variables, part=1, parts=1):
    """Write a step of TensorFlow's from within a graph, or one of several parts of it."""
    import tensorflow as tf

    paths = [variable.path for variable in variables]

    def write(*values):
        loss, *gradients = [value.numpy() for value in values]
        _parts.append((float(loss), dict(zip(paths, map(_norm, gradients), strict=True))))
        if part == parts:
            step(sum(p[0] for p in _parts), {k: v for p in _parts for k, v in p[1].items()})
            _parts.clear()

    tf.py_function(write, [loss, *gradients], [])


def _norm(gradient):
    return float(np.linalg.norm(np.asarray(gradient, dtype=np.float64)))


def trainer(trainer):
    """Have a Hugging Face Trainer's steps written, at its own calls of clipping."""
    losses, clip, micro = [], trainer.accelerator.clip_grad_norm_, trainer.training_step

    def training_step(*arguments, **options):
        loss = micro(*arguments, **options)
        losses.append(loss.item())
        return loss

    def clip_grad_norm_(*arguments, **options):
        before = norms(trainer.model.named_parameters())
        result = clip(*arguments, **options)
        step(sum(losses), before, norms(trainer.model.named_parameters()))
        losses.clear()
        return result

    trainer.training_step, trainer.accelerator.clip_grad_norm_ = training_step, clip_grad_norm_

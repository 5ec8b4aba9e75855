"""Clippers that know no optimizer say that they reset no moments, once, whatever the framework."""

import importlib
import warnings

import numpy as np
import pytest

import gradclip
from gradclip.core.policies.resets import asks_for_resets

ROOMS = {
    "numpy": ("gradclip.numpy", "Clipper", "Set your optimizer's moments to zero then"),
    "torch": ("gradclip.torch", "Clipper", "Use gradclip.torch.attach"),
    "tensorflow": ("gradclip.tensorflow", "Clipper", "Use gradclip.keras.ClippedOptimizer"),
    "keras": ("gradclip.keras", "Clipper", "Use gradclip.keras.ClippedOptimizer"),
    "jax": ("gradclip.jax", "Clipper", "Use gradclip.optax.clipped"),
    "optax": ("gradclip.optax", "clip", "Use gradclip.optax.clipped"),
}


def said(room, policy):
    """Return the warnings of three steps of a framework's clipper."""
    pytest.importorskip("jax" if room == "optax" else room)
    pytest.importorskip(room)
    module, name, _ = ROOMS[room]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clipper = getattr(importlib.import_module(module), name)(policy)
        for _ in range(3):
            step(room, clipper)
    return [w for w in caught if "SPAM" in str(w.message)]


def step(room, clipper):
    gradients = [np.ones(2, np.float32)]
    if room in {"jax", "optax"}:
        state = clipper.init(gradients)
        (clipper if room == "jax" else clipper.update)(gradients, state)
    elif room == "torch":
        torch = importlib.import_module("torch")
        clipper(list(map(torch.from_numpy, gradients)))
        clipper.clip_(torch.nn.Parameter(torch.ones(2)))
    elif room == "keras":
        clipper(list(map(importlib.import_module("keras").ops.convert_to_tensor, gradients)))
    elif room == "tensorflow":
        clipper(list(map(importlib.import_module("tensorflow").constant, gradients)))
    else:
        clipper(gradients)


@pytest.mark.parametrize("room", ROOMS)
def test_a_clipper_says_once_that_it_resets_no_moments(room):
    (warning,) = said(room, gradclip.PerGroup({"bias": None, "*": gradclip.SPAM()}))
    assert ROOMS[room][2] in str(warning.message)
    assert "or pass reset_every=None" in str(warning.message)
    assert warning.filename == __file__


@pytest.mark.parametrize("room", ROOMS)
def test_a_clipper_that_is_to_reset_nothing_says_nothing(room):
    assert said(room, gradclip.SPAM(reset_every=None)) == []


@pytest.mark.parametrize(
    "wrap",
    [
        lambda spam: spam,
        lambda spam: gradclip.Chain(gradclip.GlobalNorm(1.0), spam),
        lambda spam: gradclip.Warmup(spam, steps=3),
        lambda spam: gradclip.Exclude("bias", policy=spam),
        lambda spam: gradclip.PerGroup({"bias": None, "*": spam}),
    ],
)
def test_whether_a_policy_asks_for_resets_is_known_wherever_it_stands(wrap):
    assert asks_for_resets(wrap(gradclip.SPAM()))
    assert not asks_for_resets(wrap(gradclip.SPAM(reset_every=None)))

"""Clipping folded into fused optimizers ends as clipping before their step does."""

import functools

import pytest

import gradclip

torch = pytest.importorskip("torch")
from gradclip.torch import Clipper, attach  # noqa: E402 - after the check for torch

pytestmark = pytest.mark.torch
SHAPES = [(64, 32), (32,), (1, 65), ()]
OPTIMIZERS = {
    "SGD": functools.partial(torch.optim.SGD, lr=0.1),
    "SGD with all": functools.partial(
        torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01
    ),
    "Adam": functools.partial(torch.optim.Adam, lr=0.01, weight_decay=0.1),
    "AdamW": functools.partial(torch.optim.AdamW, lr=0.01, amsgrad=True, maximize=True),
    "Adagrad": functools.partial(torch.optim.Adagrad, lr=0.01),
}
TOLERANCE = {torch.float32: 1e-6, torch.bfloat16: 2e-2, torch.float16: 2e-3}


def parameters(dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    made = [torch.randn(shape, generator=generator) for shape in SHAPES]
    return [torch.nn.Parameter(x.to(dtype)) for x in made]


def give_gradients(params, seed, factor=3.0):
    generator = torch.Generator().manual_seed(seed)
    for p in params:
        p.grad = (factor * torch.randn(p.shape, generator=generator)).to(p.dtype)


def watched(optimizer):
    """Return the list of what `grad_scale` is while the optimizer steps."""
    seen = []
    optimizer.register_step_pre_hook(
        lambda given, *_: seen.append(float(given.grad_scale)) if has_scale(given) else None
    )
    return seen


def has_scale(optimizer):
    return getattr(optimizer, "grad_scale", None) is not None


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parameters_and_gradients_end_as_if_clipped_before(name, dtype):
    folded, before = parameters(dtype), parameters(dtype)
    optimizers = [OPTIMIZERS[name](p, fused=True) for p in (folded, before)]
    attach(optimizers[0], "global-norm=1")
    seen, clipper = watched(optimizers[0]), Clipper("global-norm=1")
    for step in range(3):
        give_gradients(folded, step)
        give_gradients(before, step)
        optimizers[0].step()
        clipper.clip_(before)
        optimizers[1].step()
        for x, y in zip(folded, before, strict=True):
            torch.testing.assert_close(x, y, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
            torch.testing.assert_close(x.grad, y.grad, rtol=TOLERANCE[dtype], atol=1e-7)
    assert len(seen) == 3
    assert min(seen) > 1
    assert not hasattr(optimizers[0], "grad_scale")


def test_the_gradients_have_the_limits_norm_after_the_step():
    params = parameters()
    optimizer = torch.optim.AdamW(params, fused=True)
    attached = attach(optimizer, "global-norm=0.37")
    give_gradients(params, 0)
    optimizer.step()
    norm = torch.cat([p.grad.double().flatten() for p in params]).norm()
    assert float(norm) == pytest.approx(0.37, rel=5e-7)
    assert attached.report.norm_after == pytest.approx(0.37)


def test_where_nothing_is_clipped_nothing_is_set():
    params = parameters()
    optimizer = torch.optim.SGD(params, lr=0.1, fused=True)
    attach(optimizer, "global-norm=1e9")
    seen = watched(optimizer)
    give_gradients(params, 0)
    kept = [p.grad.clone() for p in params]
    optimizer.step()
    assert seen == []
    assert all(torch.equal(p.grad, g) for p, g in zip(params, kept, strict=True))


def train_with_scaler(*, fold, unscale):
    """Return parameters and gradients after three steps that a GradScaler takes."""
    params = parameters()
    optimizer = torch.optim.AdamW(params, lr=0.01, fused=True)
    clipper = Clipper("global-norm=1")
    if fold:
        attach(optimizer, "global-norm=1")
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for step in range(3):
        scaler.scale(torch.tensor(1.0))
        give_gradients(params, step, factor=3072.0)
        if unscale:
            scaler.unscale_(optimizer)
        if not fold:
            clipper.clip_(params)
        scaler.step(optimizer)
        scaler.update()
        assert not hasattr(optimizer, "grad_scale")
    return torch.cat([p.detach().flatten() for p in params] + [p.grad.flatten() for p in params])


@pytest.mark.parametrize("unscale", [False, True])
def test_a_scalers_own_scale_is_taken_off_too(unscale):
    folded = train_with_scaler(fold=True, unscale=unscale)
    before = train_with_scaler(fold=False, unscale=True)
    torch.testing.assert_close(folded, before, rtol=1e-6, atol=1e-6)


class Subclass(torch.optim.SGD):
    """What its step does before it reads the gradients is unknown."""


@pytest.mark.parametrize(
    ("make", "policy", "dtype"),
    [
        (functools.partial(torch.optim.SGD, lr=0.1, foreach=True), "global-norm=1", torch.float32),
        (functools.partial(torch.optim.RMSprop, lr=0.1), "global-norm=1", torch.float32),
        (functools.partial(Subclass, lr=0.1, fused=True), "global-norm=1", torch.float32),
        (functools.partial(torch.optim.SGD, lr=0.1, fused=True), "norm=1", torch.float32),
        (functools.partial(torch.optim.SGD, lr=0.1, fused=True), "value=0.01", torch.float32),
        (functools.partial(torch.optim.SGD, lr=0.1, fused=True), "global-norm=0", torch.float32),
        (functools.partial(torch.optim.SGD, lr=0.1, fused=True), "global-norm=1", torch.float64),
    ],
    ids=["foreach", "RMSprop", "subclass", "each tensor", "entries", "zeros", "float64"],
)
def test_what_is_no_division_by_one_number_is_clipped_before(make, policy, dtype):
    folded, before = parameters(dtype), parameters(dtype)
    optimizers = [make(p) for p in (folded, before)]
    attach(optimizers[0], policy)
    seen = watched(optimizers[0])
    give_gradients(folded, 0)
    give_gradients(before, 0)
    optimizers[0].step()
    Clipper(policy).clip_(before)
    optimizers[1].step()
    assert seen == []
    assert all(torch.equal(x, y) for x, y in zip(folded, before, strict=True))


def test_one_group_that_is_not_fused_is_reason_enough():
    params = parameters()
    groups = [{"params": params[:2], "fused": False}, {"params": params[2:], "fused": True}]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    attach(optimizer, "global-norm=1")
    seen = watched(optimizer)
    give_gradients(params, 0)
    optimizer.step()
    assert seen == []


def test_a_closures_gradients_are_clipped_before():
    params = parameters()
    optimizer = torch.optim.SGD(params, lr=0.1, fused=True)
    attach(optimizer, "global-norm=1")
    give_gradients(params, 0)
    seen = []

    def closure():
        seen.append(has_scale(optimizer))
        return torch.tensor(0.0)

    optimizer.step(closure)
    norm = torch.cat([p.grad.flatten() for p in params]).norm()
    assert float(norm) == pytest.approx(1.0, rel=1e-6)
    assert seen == [False]
    assert not hasattr(optimizer, "grad_scale")


def test_a_step_that_raises_leaves_nothing_for_the_next():
    params = parameters()
    optimizer = torch.optim.AdamW(params, lr=0.1, fused=True)
    attached = attach(optimizer, "global-norm=1")
    give_gradients(params, 0)
    betas, optimizer.param_groups[0]["betas"] = optimizer.param_groups[0]["betas"], None
    with pytest.raises(TypeError):
        optimizer.step()
    optimizer.param_groups[0]["betas"] = betas
    attached.detach()
    assert not hasattr(optimizer, "grad_scale")


def test_updates_are_clipped_by_what_the_step_left_of_the_gradients():
    policy = gradclip.Chain(gradclip.GlobalNorm(1.0), gradclip.UpdateRMS(0.5))
    ended = []
    for fused in (True, False):
        params = parameters()
        optimizer = torch.optim.AdamW(params, lr=0.1, fused=fused)
        attach(optimizer, policy)
        for step in range(3):
            give_gradients(params, step)
            optimizer.step()
        ended.append(torch.cat([p.detach().flatten() for p in params]))
    torch.testing.assert_close(*ended, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # PyTorch's own
def test_a_compiled_step_folds_too():
    folded, before = parameters(), parameters()
    optimizers = [torch.optim.AdamW(p, lr=0.01, fused=True) for p in (folded, before)]
    attached, clipper = attach(optimizers[0], "global-norm=1"), Clipper("global-norm=1")
    step = torch.compile(optimizers[0].step)
    for i, factor in enumerate([3.0, 1e-3, 3.0]):  # clips, does not, clips
        give_gradients(folded, i, factor)
        give_gradients(before, i, factor)
        step()
        clipper.clip_(before)
        optimizers[1].step()
        assert attached.report.scale == clipper.report.scale
    for x, y in zip(folded, before, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-6, atol=1e-6)

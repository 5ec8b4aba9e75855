"""What policies do to an optimizer's own state: SPAM's resets, StableAdamW's update clipping."""

import pytest

import gradclip
from gradclip import SPAM, Chain, GlobalNorm, PerGroup, UpdateRMS
from gradclip.errors import ConfigurationError

torch = pytest.importorskip("torch")
from gradclip.torch import attach  # noqa: E402 - after the check for torch

pytestmark = pytest.mark.torch
KEEPING_MOMENTS = [
    (torch.optim.Adam, {"amsgrad": True}, {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}),
    (torch.optim.AdamW, {}, {"exp_avg", "exp_avg_sq"}),
    (torch.optim.Adamax, {}, {"exp_avg", "exp_inf"}),
    (torch.optim.SGD, {"momentum": 0.9}, {"momentum_buffer"}),
    (torch.optim.RMSprop, {"momentum": 0.9, "centered": True},
     {"momentum_buffer", "square_avg", "grad_avg"}),
]  # fmt: skip


def step(optimizer, *parameters, factor=1.0):
    for p in parameters:
        p.grad = factor * torch.arange(1.0, p.numel() + 1).reshape(p.shape)
    optimizer.step()


@pytest.mark.parametrize(("kind", "options", "moments"), KEEPING_MOMENTS)
def test_spam_resets_the_moments_after_every_so_many_steps(kind, options, moments):
    p = torch.nn.Parameter(torch.ones(2, 2))
    optimizer = kind([p], lr=0.1, **options)
    attach(optimizer, SPAM(reset_every=3, warmup=1))
    for i in range(1, 8):
        step(optimizer, p)
        zero = {name for name in moments if not optimizer.state[p][name].any()}
        assert zero == (moments if i % 3 == 0 else set())
    count = optimizer.state[p].get("step", 7)
    assert count == 7  # which is not reset


def test_after_a_reset_an_optimizer_steps_as_pytorchs_does_from_zero_moments():
    ours, theirs = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    optimizer, plain = (torch.optim.AdamW([p], lr=0.1) for p in (ours, theirs))
    attach(optimizer, SPAM(reset_every=4))
    for i in range(1, 11):
        step(optimizer, ours)
        step(plain, theirs)
        if i % 4 == 0:
            plain.state[theirs]["exp_avg"].zero_()
            plain.state[theirs]["exp_avg_sq"].zero_()
    assert torch.equal(ours, theirs)


def test_skipped_steps_do_not_count_towards_a_reset():
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([p])
    attach(optimizer, SPAM(reset_every=3))
    for factor in (1.0, torch.nan, 1.0):
        step(optimizer, p, factor=factor)
    assert optimizer.state[p]["exp_avg"].any()
    step(optimizer, p)
    assert not optimizer.state[p]["exp_avg"].any()


def test_resets_go_on_where_they_were_saved():
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([p])
    attached = attach(optimizer, SPAM(reset_every=3))
    step(optimizer, p)
    step(optimizer, p)
    saved = attached.state_dict()
    attached.detach()
    attach(optimizer, SPAM(reset_every=3)).load_state_dict(saved)
    step(optimizer, p)
    assert not optimizer.state[p]["exp_avg"].any()


def test_resets_are_of_the_parameters_that_spam_governs():
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    attach(optimizer, PerGroup({"bias": None, "*": SPAM(reset_every=2)}), model)
    for _ in range(2):
        step(optimizer, *model.parameters())
    assert not optimizer.state[model.weight]["exp_avg"].any()
    assert optimizer.state[model.bias]["exp_avg"].any()


def test_an_optimizer_without_moments_is_said_once():
    p = torch.nn.Parameter(torch.ones(2))
    attach(optimizer := torch.optim.SGD([p]), SPAM(reset_every=2))
    step(optimizer, p)
    with pytest.warns(UserWarning, match="resets the optimizer's moments, got SGD"):
        step(optimizer, p)
    step(optimizer, p)
    step(optimizer, p)


def stable_adamw(weight, gradients, lr=0.1, betas=(0.9, 0.99), eps=1e-6, decay=0.01):
    """Algorithm 2 of the paper for one tensor in float64, with plain bias correction."""
    w, m, v = weight.double(), 0.0, 0.0
    for t, gradient in enumerate(gradients, start=1):
        g = gradient.double()
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        mean, moment = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        rms = (g * g / moment.clamp(min=eps * eps)).mean().sqrt()
        eta = lr / max(1.0, rms.item())
        w = w - eta * (mean / (moment.sqrt() + eps) + decay * w)
    return w


@pytest.mark.parametrize("fused", [False, True])
def test_updates_are_clipped_as_in_stable_adamw(fused):
    torch.manual_seed(0)
    gradients = [torch.randn(4, 3) * (30.0 if i in {5, 9} else 1.0) for i in range(14)]
    p, q = torch.nn.Parameter(torch.randn(4, 3)), torch.nn.Parameter(torch.ones(2))
    start = p.detach().clone()
    optimizer = torch.optim.AdamW(
        [p, q], lr=0.1, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.01, fused=fused
    )
    attach(optimizer, UpdateRMS())
    for gradient in gradients:
        p.grad, q.grad = gradient.clone(), torch.ones(2)
        optimizer.step()
    assert torch.allclose(p.double(), stable_adamw(start, gradients), rtol=1e-5, atol=1e-6)
    assert torch.allclose(q.double(), stable_adamw(torch.ones(2), [torch.ones(2)] * 14))


def test_moments_keep_the_whole_gradient_where_the_update_is_clipped():
    ours, theirs = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
    optimizer, plain = (torch.optim.AdamW([p], lr=0.1) for p in (ours, theirs))
    attach(optimizer, UpdateRMS())
    for factor in (1.0, 1.0, 50.0):
        before = ours.detach().clone(), theirs.detach().clone()
        step(optimizer, ours, factor=factor)
        step(plain, theirs, factor=factor)
    clipped, whole = ours - before[0], theirs - before[1]
    # Of three squares the last outweighs: the mean is a third of it, the root mean square 3**0.5.
    assert torch.allclose(clipped * 3**0.5, whole, rtol=1e-3)
    for name in ("exp_avg", "exp_avg_sq"):
        assert torch.equal(optimizer.state[ours][name], plain.state[theirs][name])


@pytest.mark.parametrize(
    ("kind", "decay"),
    [(torch.optim.NAdam, 0.999), (torch.optim.RAdam, 0.999), (torch.optim.RMSprop, 0.99)],
)
def test_any_second_moment_will_do(kind, decay):
    ours, theirs = (torch.nn.Parameter(torch.zeros(3)) for _ in range(2))
    optimizer, plain = (kind([p], lr=0.1) for p in (ours, theirs))
    attach(optimizer, UpdateRMS(max_rms=0.5))
    step(optimizer, ours)
    step(plain, theirs)  # after one step the root mean square is 1
    assert torch.allclose(ours, theirs / 2)


def test_gradients_may_be_clipped_besides():
    p = torch.nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.AdamW([p], lr=0.1)
    attached = attach(optimizer, Chain(GlobalNorm(1.0), UpdateRMS()))
    for factor in (0.1, 100.0):
        step(optimizer, p, factor=factor)
    assert attached.report.norm_after == pytest.approx(1.0)
    assert attached.policy == Chain(GlobalNorm(1.0), UpdateRMS())


def test_a_dropped_step_has_no_update_to_clip():
    p = torch.nn.Parameter(torch.ones(2))
    attach(optimizer := torch.optim.AdamW([p]), UpdateRMS())
    step(optimizer, p)
    before = p.detach().clone()
    step(optimizer, p, factor=torch.nan)
    assert torch.equal(p, before)


def test_an_optimizer_without_a_second_moment_is_refused():
    p = torch.nn.Parameter(torch.ones(2))
    with pytest.raises(ConfigurationError, match="needs an optimizer with a second moment"):
        attach(torch.optim.SGD([p]), UpdateRMS())
    attach(adamax := torch.optim.Adamax([p]), UpdateRMS())
    with pytest.raises(ConfigurationError, match=r"second moment .*, got Adamax"):
        step(adamax, p)


def test_updates_of_sparse_gradients_are_refused():
    words = torch.nn.Embedding(3, 2, sparse=True)
    attach(optimizer := torch.optim.SparseAdam(words.parameters()), UpdateRMS())
    words(torch.tensor([1])).sum().backward()
    with pytest.raises(ConfigurationError, match="needs dense gradients, got a sparse one"):
        optimizer.step()


def test_a_clipper_cannot_reach_updates():
    clipper = gradclip.torch.Clipper(UpdateRMS())
    with pytest.raises(ConfigurationError, match="needs an optimizer whose second moment"):
        clipper([torch.ones(2)])

"""PyTorch's names: our equivalents of its published tests, and the contract in place."""

import itertools
import math

import numpy as np
import pytest

from gradclip.errors import ConfigurationError, GradientTypeError

torch = pytest.importorskip("torch")
import gradclip.torch as gt  # noqa: E402 - after the check for torch

pytestmark = pytest.mark.torch
P_NORMS = [0.5, 1.0, 1.5, 2.0, 4.0, 10, "inf"]


def parameters(*gradients):
    result = []
    for gradient in gradients:
        p = torch.nn.Parameter(torch.zeros_like(gradient.to_dense()))
        p.grad = gradient.clone()
        result.append(p)
    return result


def linear():
    torch.manual_seed(0)
    layer = torch.nn.Linear(10, 10)
    layer.weight.grad = torch.arange(1.0, 101).view(10, 10).div(40)
    layer.bias.grad = torch.ones(10).div(1000)
    return layer


def wide_norm(tensors, p):
    entries = np.concatenate([t.abs().double().numpy().ravel() for t in tensors])
    return entries.max() if math.isinf(p) else (entries**p).sum() ** (1 / p)


@pytest.mark.parametrize("p", P_NORMS)
@pytest.mark.parametrize("foreach", [None, False, True])
def test_gradients_are_scaled_by_one_factor_to_the_p_norm(p, foreach):
    layer = linear()
    before = [q.grad.clone() for q in layer.parameters()]
    norm = gt.clip_grad_norm_(layer.parameters(), 2, norm_type=p, foreach=foreach)
    assert float(norm) == pytest.approx(wide_norm(before, float(p)), rel=1e-6)
    after = [q.grad for q in layer.parameters()]
    assert wide_norm(after, float(p)) == pytest.approx(2, rel=5e-7)
    ratios = torch.cat([(a / b).view(-1) for a, b in zip(after, before, strict=True)])
    assert float(ratios.max() - ratios.min()) < 1e-6


@pytest.mark.parametrize("p", P_NORMS)
def test_small_gradients_keep_their_bits(p):
    layer = linear()
    for q in layer.parameters():
        q.grad.mul_(1e-4)
    before = [q.grad.clone() for q in layer.parameters()]
    norm = gt.clip_grad_norm_(layer.parameters(), 1e9, norm_type=p)
    assert float(norm) < 1e9
    assert all(torch.equal(a, q.grad) for a, q in zip(before, layer.parameters(), strict=True))


def test_a_norm_at_the_threshold_is_not_clipped():
    (p,) = parameters(torch.tensor([3.0, 4.0]))
    version = p.grad._version
    gt.clip_grad_norm_(p, 5.0)
    assert torch.equal(p.grad, torch.tensor([3.0, 4.0]))
    assert p.grad._version == version  # not even written


def test_a_tiny_threshold_is_met():
    (p,) = parameters(torch.tensor([3.0, 4.0]))
    gt.clip_grad_norm_(p, 1e-6)
    assert wide_norm([p.grad], 2.0) == pytest.approx(1e-6, rel=5e-7)


@pytest.mark.parametrize(("scale", "limit"), [(1e30, 1e-30), (1e37, 1e-37), (1e-38, 1e-40)])
def test_factors_that_float32_cannot_hold_are_right(scale, limit):
    (p,) = parameters(torch.tensor([3.0, 4.0]) * scale)
    gt.clip_grad_norm_(p, limit)
    assert np.allclose(p.grad.double().numpy(), [0.6 * limit, 0.8 * limit], rtol=1e-5, atol=1e-45)


def test_a_single_tensor_and_one_without_gradient_are_taken():
    p, q = parameters(torch.tensor([3.0, 4.0])), torch.nn.Parameter(torch.zeros(3))
    assert float(gt.clip_grad_norm_([q], 1.0)) == 0.0
    assert float(gt.clip_grad_norm_([*p, q], 1.0)) == 5.0
    assert q.grad is None


@pytest.mark.parametrize("p", P_NORMS)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_non_finite_norm_raises_if_asked_and_changes_nothing(p, value):
    params = parameters(torch.tensor([1.0]), torch.tensor([value, 2.0]))
    with pytest.raises(RuntimeError, match=r"gradient 1 \(2,\)"):
        gt.clip_grad_norm_(params, 1.0, norm_type=p, error_if_nonfinite=True)
    assert float(params[0].grad) == 1.0
    norm = gt.clip_grad_norm_(params, 1.0, norm_type=p, error_if_nonfinite=False)
    assert not torch.isfinite(norm)
    assert all(torch.isnan(q.grad).all() for q in params)


def test_an_infinite_threshold_measures_even_infinite_gradients():
    (p,) = parameters(torch.tensor([1.0, math.inf]))
    assert math.isinf(gt.clip_grad_norm_(p, math.inf))
    assert torch.equal(p.grad, torch.tensor([1.0, math.inf]))


def test_a_threshold_of_zero_gives_zeros():
    params = parameters(torch.tensor([3.0]), torch.zeros(2))
    gt.clip_grad_norm_(params, 0.0)
    assert all(torch.equal(p.grad, torch.zeros_like(p.grad)) for p in params)


@pytest.mark.parametrize("threshold", [-1.0, math.nan, torch.tensor(-2.0)])
def test_a_threshold_that_would_reverse_gradients_is_refused(threshold):
    (p,) = parameters(torch.tensor([3.0]))
    with pytest.raises(ConfigurationError, match="`max_norm` must be >= 0"):
        gt.clip_grad_norm_(p, threshold)
    with pytest.raises(ConfigurationError, match="`clip_value` must be >= 0"):
        gt.clip_grad_value_(p, threshold)
    assert float(p.grad) == 3.0


def test_a_norm_type_that_is_no_norm_is_refused():
    with pytest.raises(ConfigurationError, match="`norm_type` must be > 0, got 0"):
        gt.clip_grad_norm_(parameters(torch.ones(1)), 1.0, norm_type=0)


def test_tied_parameters_count_and_are_scaled_once():
    (p,) = parameters(torch.tensor([3.0, 4.0]))
    assert float(gt.clip_grad_norm_([p, p], 1.0)) == 5.0
    assert torch.allclose(p.grad, torch.tensor([0.6, 0.8]))


def test_a_gradient_shared_by_two_parameters_is_scaled_once():
    p, q = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(2))
    p.grad = q.grad = torch.tensor([3.0, 4.0])
    gt.clip_grad_norm_([p, q], 1.0)
    assert torch.allclose(p.grad, torch.tensor([0.6, 0.8]))


def test_a_used_up_generator_warns_and_a_fresh_one_does_not(recwarn):
    layer = linear()
    generator = layer.parameters()
    gt.clip_grad_norm_(generator, 1.0)
    assert len(recwarn) == 0
    with pytest.warns(UserWarning, match="`parameters` is an empty generator"):
        gt.clip_grad_norm_(generator, 1.0)


def test_an_empty_list_has_norm_zero():
    assert float(gt.clip_grad_norm_([], 1.0)) == 0.0
    assert float(gt.get_total_norm([])) == 0.0


def test_get_total_norm_and_clip_with_norm_do_it_in_two_steps():
    layer, other = linear(), linear()
    gradients = [p.grad for p in layer.parameters()]
    norm = gt.get_total_norm(gradients)
    gt.clip_grads_with_norm_(layer.parameters(), 2.0, norm)
    gt.clip_grad_norm_(other.parameters(), 2.0)
    for p, q in zip(layer.parameters(), other.parameters(), strict=True):
        assert torch.equal(p.grad, q.grad)
    with pytest.raises(ConfigurationError, match="`total_norm` must be >= 0"):
        gt.clip_grads_with_norm_(layer.parameters(), 2.0, -1.0)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, "inf"])
@pytest.mark.parametrize("scale", [1e-30, 1e25])
def test_powers_that_overflow_or_underflow_are_no_excuse(p, scale):
    tensors = [torch.tensor([3.0, -4.0]) * scale, torch.tensor([12.0]) * scale]
    wanted = wide_norm([t.double() / scale for t in tensors], float(p)) * scale
    assert float(gt.get_total_norm(tensors, p)) == pytest.approx(wanted, rel=1e-6)


def test_sparse_gradients_are_merged_scaled_and_stay_sparse():
    rows = torch.tensor([[0, 0, 2]])
    values = torch.tensor([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]])
    sparse = torch.sparse_coo_tensor(rows, values, (4, 2), check_invariants=True)
    (p,) = parameters(sparse)
    assert float(gt.clip_grad_norm_(p, 1.0)) == 5.0
    assert p.grad.is_sparse
    assert torch.allclose(p.grad.to_dense()[0], torch.tensor([0.6, 0.8]))


def test_repeated_rows_are_summed_before_their_norm_is_taken():
    rows, ones = torch.tensor([[1, 1]]), torch.tensor([[3.0], [-3.0]])
    sparse = torch.sparse_coo_tensor(rows, ones, (4, 1), check_invariants=True)
    assert float(gt.get_total_norm([sparse])) == 0.0


def test_values_of_sparse_rows_are_summed_then_limited():
    rows, values = torch.tensor([[1, 1, 3]]), torch.tensor([[0.8], [0.8], [-5.0]])
    (p,) = parameters(torch.sparse_coo_tensor(rows, values, (4, 1), check_invariants=True))
    gt.clip_grad_value_(p, 1.0)
    assert p.grad.is_sparse
    assert torch.equal(p.grad.to_dense(), torch.tensor([[0.0], [1.0], [0.0], [-1.0]]))


def test_embedding_gradients_of_a_real_layer_are_clipped():
    torch.manual_seed(0)
    layer = torch.nn.Embedding(50, 8, sparse=True)
    (layer(torch.tensor([3, 3, 7])).square().sum() * 100).backward()
    dense = layer.weight.grad.to_dense().double()
    norm = gt.clip_grad_norm_(layer.parameters(), 1.0)
    assert float(norm) == pytest.approx(float(dense.norm()), rel=1e-6)
    assert float(layer.weight.grad.to_dense().double().norm()) == pytest.approx(1.0, rel=5e-7)


@pytest.mark.parametrize("foreach", [None, False, True])
def test_values_are_limited_in_place(foreach):
    layer = linear()
    storage = layer.weight.grad.data_ptr()
    gt.clip_grad_value_(layer.parameters(), 2.0, foreach=foreach)
    assert layer.weight.grad.max() == 2.0
    assert layer.weight.grad.data_ptr() == storage
    p, q = parameters(torch.tensor([math.nan, -3.0])), torch.nn.Parameter(torch.zeros(1))
    gt.clip_grad_value_([*p, q], 1.0)
    assert torch.isnan(p[0].grad[0])
    assert p[0].grad[1] == -1.0


def test_mixed_types_and_memory_layouts_are_scaled_alike():
    gradients = [
        torch.full((2, 3, 4, 4), 0.5).to(memory_format=torch.channels_last),
        torch.full((4, 6), 0.5, dtype=torch.float64).t(),
        torch.full((8,), 0.5, dtype=torch.bfloat16)[::2],
        torch.full((5,), 0.5, dtype=torch.float16),
        torch.full((3,), 0.3 + 0.4j),
    ]
    params = [torch.nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for p, g in zip(params, gradients, strict=True):
        p.grad = g
    exact = math.sqrt(sum(float((g.to(torch.complex128).abs() ** 2).sum()) for g in gradients))
    norm = gt.clip_grad_norm_(params, 1.0)
    assert float(norm) == pytest.approx(exact, rel=1e-12)
    for p, g in zip(params, gradients, strict=True):
        assert p.grad.dtype == g.dtype
        eps = 2 * torch.finfo(g.dtype).eps
        assert torch.allclose(p.grad.abs().double(), torch.tensor(0.5 / exact).double(), rtol=eps)


def test_integers_are_refused():
    with pytest.raises(GradientTypeError, match="must be floating or complex"):
        gt.get_total_norm([torch.ones(2, dtype=torch.int32)])


def test_the_norm_is_right_at_thirty_million_entries():
    big = torch.full((30_000_000,), 0.1)
    wanted = math.sqrt(3e7) * float(torch.tensor(0.1).double())
    assert float(gt.get_total_norm([big])) == pytest.approx(wanted, rel=1e-7)


def test_it_agrees_with_pytorch_where_pytorch_is_right():
    for p, scale in itertools.product([1.0, 2.0, math.inf], [1e-3, 1.0, 1e3]):
        torch.manual_seed(1)
        gradients = [torch.randn(20, 30) * scale, torch.randn(7) * scale]
        ours, theirs = parameters(*gradients), parameters(*gradients)
        norm = gt.clip_grad_norm_(ours, 0.5, norm_type=p)
        their_norm = torch.nn.utils.clip_grad_norm_(theirs, 0.5, norm_type=p)
        assert float(norm) == pytest.approx(float(their_norm), rel=1e-5)
        for a, b in zip(ours, theirs, strict=True):
            assert torch.allclose(a.grad, b.grad, rtol=1e-3)


def test_it_runs_inside_a_compiled_step():
    (p,) = parameters(torch.tensor([3.0, 4.0]))

    @torch.compile(backend="aot_eager")
    def step():
        return gt.clip_grad_norm_([p], 1.0)

    assert float(step()) == 5.0
    assert torch.allclose(p.grad, torch.tensor([0.6, 0.8]))


@pytest.mark.parametrize(("limit", "writes"), [(1.0, 1), (5.0, 0)])
def test_autograd_knows_what_was_written(limit, writes):
    (p,) = parameters(torch.tensor([3.0, 4.0]))
    before = p.grad._version
    gt.clip_grad_norm_([p], limit)
    assert p.grad._version == before + writes

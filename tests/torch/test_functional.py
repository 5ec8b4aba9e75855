"""What is PyTorch's own: sparse tensors, transforms, compilers."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import gradclip.torch as gt  # noqa: E402 - after the check for torch
from gradclip.kernels import cpu  # noqa: E402 - likewise
from gradclip.torch.namespace import TorchNamespace  # noqa: E402 - likewise

pytestmark = pytest.mark.torch


def sparse(rows, values, size):
    return torch.sparse_coo_tensor(
        torch.tensor([rows]), torch.tensor(values), size, check_invariants=True
    )


def test_sparse_tensors_stay_sparse_and_repeated_rows_are_summed():
    t = sparse([0, 0, 2], [[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]], (4, 2))
    (clipped,), norm = gt.clip_by_global_norm([t], 1.0)
    assert float(norm) == 5.0
    assert clipped.is_sparse
    assert torch.allclose(clipped.to_dense()[0], torch.tensor([0.6, 0.8]))
    limited = gt.clip_by_value(sparse([1, 1], [[0.8], [0.8]], (3, 1)), -1.0, 1.0)
    assert limited.is_sparse
    assert limited.to_dense().flatten().tolist() == [0.0, 1.0, 0.0]


@pytest.mark.skipif(not cpu.available(), reason="rows of float32 sums are within 5e-7")
def test_the_norm_of_one_tensor_is_as_exact_as_that_of_many():
    t = torch.full((30, 17), 0.1)
    t[0, 0] = 2.0
    exact = math.sqrt(math.fsum(x * x for x in t.flatten().tolist()))
    assert math.isclose(float(TorchNamespace().norm(t)), exact, rel_tol=1e-12)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
def test_compressed_rows_are_taken_too():
    t = torch.tensor([[3.0, 0.0], [0.0, 4.0]]).to_sparse_csr()
    (clipped,), norm = gt.clip_by_global_norm([t], 1.0)
    assert float(norm) == 5.0
    assert clipped.layout == torch.sparse_csr
    assert torch.allclose(clipped.to_dense(), torch.tensor([[0.6, 0.0], [0.0, 0.8]]))


def test_each_example_is_clipped_under_vmap():
    batch = torch.tensor([[3.0, 4.0], [0.3, 0.4], [3e30, 4e30]])
    clipped = torch.func.vmap(lambda t: gt.clip_by_norm(t, 1.0))(batch)
    assert torch.allclose(clipped, torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]]))


def test_derivatives_agree_with_finite_differences():
    x = torch.tensor([3.0, 4.0, 12.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: gt.clip_by_norm(t, 2.0), x)
    assert torch.autograd.gradcheck(lambda t: gt.clip_by_norm(t, 20.0), x)
    assert torch.autograd.gradcheck(lambda t: gt.clip_by_global_norm([t, t * 2], 2.0)[0][1], x)


def test_the_second_derivative_is_there():
    x = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda t: gt.clip_by_norm(t, 1.0), x)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the compiler's own
def test_the_default_compiler_gives_the_same_numbers_and_compiles_once():
    compiled = torch.compile(gt.clip_by_global_norm, fullgraph=True)
    generator, graphs = np.random.default_rng(0), []
    for limit in (0.5, 1.0, 1e6):
        tensors = [
            torch.from_numpy(generator.normal(size=s).astype(np.float32)) for s in [(50, 7), (3,)]
        ]
        ours, norm = gt.clip_by_global_norm(tensors, limit)
        theirs, compiled_norm = compiled(tensors, torch.tensor(limit, dtype=torch.float64))
        graphs.append(torch._dynamo.utils.counters["stats"]["unique_graphs"])
        assert float(compiled_norm) == pytest.approx(float(norm), rel=1e-6)
        for a, b in zip(ours, theirs, strict=True):
            assert torch.allclose(a, b, rtol=1e-6, atol=0)
    assert len(set(graphs)) == 1


def test_what_is_not_clipped_comes_back_as_it_is():
    t = torch.tensor([3.0, 4.0])
    assert gt.clip_by_norm(t, 5.0) is t
    assert gt.clip_by_norm(t, None) is t


def test_units_are_all_but_the_first_axis():
    gradient, weights = torch.full((4, 2, 3, 3), 10.0), torch.ones(4, 2, 3, 3)
    clipped = gt.adaptive_clip(gradient, weights, 0.1)
    norms = clipped.double().square().sum((1, 2, 3)).sqrt()
    assert torch.allclose(norms, torch.tensor(0.1 * math.sqrt(18)).double())


def test_bounds_may_be_tensors_but_not_grow_the_tensor():
    t = torch.tensor([[5.0, -5.0], [1.0, 1.0]])
    clipped = gt.clip_by_value(t, torch.tensor([-1.0, -2.0]), 3.0)
    assert clipped.tolist() == [[3.0, -2.0], [1.0, 1.0]]
    with pytest.raises(ValueError, match=r"must broadcast to the tensor's shape \(2, 2\)"):
        gt.clip_by_value(t, torch.zeros(3, 2, 2), 1.0)

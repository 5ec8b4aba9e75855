"""Statistics of PyTorch tensors, by the C library and without it, and Clipper's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
import gradclip.torch as gt  # noqa: E402 - after the check for torch
from gradclip import numpy as gn  # noqa: E402
from gradclip.kernels import cpu  # noqa: E402
from gradclip.torch import on_host  # noqa: E402

pytestmark = pytest.mark.torch
NAN, INF = math.nan, math.inf


@pytest.fixture(params=["C", "torch"], autouse=True)
def way(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr(cpu, "available", lambda: False)
    elif not cpu.available():
        pytest.skip(cpu.describe())
    return request.param


def found(tensors):
    return [column.tolist() for column in gt.gradient_statistics(tensors)[1:]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_all_four_of_each_tensor(dtype):
    tensors = [
        torch.tensor([3.0, 0.0, -4.0], dtype=dtype),
        None,
        torch.tensor([[1.0, NAN], [-0.0, INF]], dtype=dtype),
        torch.tensor([INF, 1.0], dtype=dtype),
        torch.zeros(0, 5, dtype=dtype),
    ]
    norms, largest, nonfinite, zeros = found(tensors)
    np.testing.assert_allclose(norms, [5, 0, NAN, INF, 0])
    np.testing.assert_allclose(largest, [4, 0, NAN, INF, 0])
    assert nonfinite == [0, 0, 2, 1, 0]
    assert zeros == [1, 0, 1, 0, 0]


def test_counts_are_integers_and_norms_are_as_wide_as_the_tensors():
    narrow = gt.gradient_statistics([torch.ones(3)])
    wide = gt.gradient_statistics([torch.ones(3), torch.ones(3, dtype=torch.float64)])
    types = [torch.float32, torch.float32, torch.float32, torch.int64, torch.int64]
    assert [x.dtype for x in narrow] == types
    assert [x.dtype for x in wide[:3]] == [torch.float64] * 3
    assert narrow.global_norm.shape == ()


@given(st.lists(st.lists(st.floats(width=32), max_size=20), max_size=5))
def test_the_same_as_numpy(lists):
    ours = gt.gradient_statistics([torch.tensor(x, dtype=torch.float32) for x in lists])
    theirs = gn.gradient_statistics([np.array(x, np.float32) for x in lists])
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.numpy(), other, rtol=1e-6)


def test_no_tensor_at_all():
    assert found([]) == [[], [], [], []]
    assert found([None, None]) == [[0.0, 0.0], [0.0, 0.0], [0, 0], [0, 0]]


def test_views_are_measured_as_they_are():
    base = torch.arange(24.0).reshape(2, 3, 4)
    views = [base[:, ::2], base.transpose(0, 2), base.expand(2, 2, 3, 4), torch.randn(3, 4)[:, 1:]]
    views.append(torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last))
    norms, largest, _, zeros = found(views)
    np.testing.assert_allclose(norms, [v.norm().item() for v in views], rtol=1e-6)
    assert largest == [v.abs().max().item() for v in views]
    assert zeros == [int((v == 0).sum()) for v in views]


def test_complex_entries_by_modulus_and_sparse_rows_summed():
    rows = torch.sparse_coo_tensor(
        [[0, 0, 2]], [[1.0, 2.0], [2.0, 2.0], [0.0, 0.0]], (4, 2), check_invariants=True
    )
    norms, largest, nonfinite, zeros = found([torch.tensor([3 + 4j, 0j]), rows])
    assert norms == [5.0, 5.0]
    assert largest == [5.0, 4.0]
    assert nonfinite == [0, 0]
    assert zeros == [1, 2]  # stored zeros alone


def test_tensors_that_the_library_cannot_take_are_left_to_pytorch(way):
    if way == "C":
        assert on_host.table([torch.ones(2)]) is not None
    assert on_host.table([torch.ones(2, dtype=torch.complex64)]) is None
    assert on_host.table([torch.ones(2), torch.ones(2).to_sparse()]) is None
    assert on_host.table([torch.ones(4)[::2]]) is None
    assert on_host.table([torch.ones(2, requires_grad=True)]) is None
    assert on_host.table([torch.empty(2, device="meta")]) is None


def test_statistics_then_clipping_is_one_read():
    weight = torch.nn.Parameter(torch.zeros(3))
    weight.grad = torch.tensor([3.0, 0.0, 4.0])
    seen = gt.gradient_statistics([weight.grad])
    gt.clip_grads_with_norm_([weight], 1.0, seen.global_norm)
    assert weight.grad.norm() == pytest.approx(1.0, rel=1e-6)


def test_a_clipper_reports_them_as_they_came():
    clipper = gt.Clipper("global-norm=1", statistics=True)
    clipper([torch.tensor([3.0, 0.0, -4.0]), None])
    seen = clipper.report.statistics
    assert float(seen.global_norm) == 5.0
    assert [x.tolist() for x in seen[1:]] == [[5.0, 0.0], [4.0, 0.0], [0, 0], [1, 0]]
    assert gt.Clipper("global-norm=1").report is None


@pytest.mark.parametrize("policy", ["norm=1", "zclip", "global-norm=1"])
def test_they_change_no_decision(policy):
    torch.manual_seed(0)
    plain, watching = (gt.Clipper(policy, statistics=s) for s in (False, True))
    for step in range(60):
        gradients = [torch.randn(5) * (100 if step == 50 else 1), torch.randn(2, 3)]
        for x, y in zip(plain(gradients), watching(gradients), strict=True):
            assert torch.equal(x, y)
    assert plain.report.parts_after.tolist() == watching.report.parts_after.tolist()


def test_a_skipped_step_tells_where_it_went_wrong():
    clipper = gt.Clipper("global-norm=1", statistics=True)
    clipped = clipper([torch.tensor([1.0, NAN, INF]), torch.ones(1)])
    assert [t.tolist() for t in clipped] == [[0.0] * 3, [0.0]]
    assert clipper.report.statistics.nonfinite.tolist() == [2, 0]

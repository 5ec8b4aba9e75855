"""Sparse gradients are clipped as the dense ones that they stand for, and stay sparse."""

import pytest

import gradclip

torch = pytest.importorskip("torch")
from gradclip.torch import Clipper  # noqa: E402 - after the check for torch

pytestmark = pytest.mark.torch
POLICIES = [
    "value=1",
    "norm=1",
    "global-norm=1",
    "agc=0.1",
    "adagc",
    gradclip.Norm(1.0, axes=1),
    gradclip.SPAM(threshold=2.0, decay=0.5, warmup=1),
    gradclip.Clip(limit=1.0, granularity="element"),
    gradclip.Clip(limit=1.0, granularity="tensor", action="clamp"),
    gradclip.Clip(limit=gradclip.Ratio(0.1), granularity="tensor"),
]


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_a_repeated_row_counts_once(policy):
    sparse, dense = (torch.nn.Embedding(5, 2, sparse=s) for s in (True, False))
    dense.load_state_dict(sparse.state_dict())
    clippers = Clipper(policy), Clipper(policy)
    for i in range(3):
        for network, clipper in zip((sparse, dense), clippers, strict=True):
            network.zero_grad()
            (network(torch.tensor([1, 3, 1])) * 5.0**i).sum().backward()
            clipper.clip_(network.named_parameters())
        assert sparse.weight.grad.is_sparse
        assert torch.allclose(sparse.weight.grad.to_dense(), dense.weight.grad)
    ours, theirs = (clipper.report for clipper in clippers)
    assert ours.norm_before == pytest.approx(theirs.norm_before)
    assert ours.norm_after == pytest.approx(theirs.norm_after)


def test_rows_may_have_several_axes():
    indices = torch.tensor([[0, 2, 0]])
    values = torch.arange(1.0, 13.0).reshape(3, 2, 2)
    sparse = torch.sparse_coo_tensor(indices, values, (3, 2, 2), check_invariants=True)
    unit = gradclip.Clip(limit=1.0, granularity=gradclip.Units((1, 2)))
    for policy in (unit, gradclip.Clip(limit=5.0, granularity="element")):
        clipped = Clipper(policy)([sparse])[0]
        assert torch.allclose(clipped.to_dense(), Clipper(policy)([sparse.to_dense()])[0])

"""The recurrent network: its gradients against PyTorch's, and how it is drawn."""

import numpy as np
import pytest

from gradclip.experiments.recurrent.network import (
    Weights,
    differentiate,
    draw_weights,
    evaluate,
)


@pytest.mark.torch
@pytest.mark.parametrize("targets", [(4,), (4, 7)], ids=["at the end", "at every step"])
def test_gradients_are_those_of_automatic_differentiation(targets):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    weights = draw_weights(rng, symbols=6, hidden=5, outputs=3)
    weights = Weights(*(w + rng.normal(0, 0.3, w.shape).astype(np.float32) for w in weights))
    inputs, classes = rng.integers(0, 6, (4, 7)), rng.integers(0, 3, targets)
    leaves = Weights(*(torch.tensor(w, requires_grad=True) for w in weights))
    state, outputs = torch.zeros(4, 5), []
    for t in range(7):
        state = torch.tanh(leaves.w_in[inputs[:, t]] + leaves.b_rec + state @ leaves.w_rec)
        outputs.append(state @ leaves.w_out + leaves.b_out)
    logits = outputs[-1] if len(targets) == 1 else torch.stack(outputs, 1)
    loss = torch.nn.functional.cross_entropy(
        logits.reshape(-1, 3), torch.tensor(classes).reshape(-1)
    )
    loss.backward()
    result = differentiate(weights, inputs, classes)
    assert result.loss == pytest.approx(loss.item(), rel=1e-5)
    assert evaluate(weights, inputs, classes) == pytest.approx((result.loss, result.accuracy))
    for ours, theirs in zip(result.gradients, leaves, strict=True):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_a_smart_network_is_sparse_and_nearly_keeps_its_state():
    weights = draw_weights(np.random.default_rng(0), 6, 50, 4, init="smart-tanh")
    assert ((weights.w_rec != 0).sum(0) == 15).all()
    assert np.abs(np.linalg.eigvals(weights.w_rec)).max() == pytest.approx(0.95, rel=1e-3)


def test_the_same_seed_draws_the_same_weights():
    first, again = (draw_weights(np.random.default_rng(3), 6, 8, 4) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))

"""Policies in Flax's training loops, nnx and linen."""

import jax
import numpy as np
import pytest
from tests.optax.training import INPUTS, assert_same, every_policy, optimizer, squared_error

import gradclip.optax

nnx = pytest.importorskip("flax.nnx")
nn = pytest.importorskip("flax.linen")
serialization = pytest.importorskip("flax.serialization")
train_state = pytest.importorskip("flax.training.train_state")
pytestmark = pytest.mark.jax


@every_policy
def test_flax_nnx_trains_and_shows_the_norms(policy):
    class Net(nnx.Module):
        def __init__(self, rngs):
            self.hidden = nnx.Linear(2, 4, rngs=rngs)
            self.norm = nnx.BatchNorm(4, rngs=rngs)
            self.out = nnx.Linear(4, 1, rngs=rngs)

        def __call__(self, x):
            return self.out(nnx.relu(self.norm(self.hidden(x))))

    model = Net(nnx.Rngs(0))
    trainer = nnx.Optimizer(model, optimizer(policy), wrt=nnx.Param)

    @nnx.jit
    def step(model, trainer, scale):
        loss, grads = nnx.value_and_grad(lambda m: scale * squared_error(m(INPUTS)))(model)
        trainer.update(model, grads)
        return loss

    losses = [float(step(model, trainer, scale)) for scale in (1.0, 1.0, np.nan, 1.0, 1.0, 1.0)]
    report = gradclip.optax.report(trainer.opt_state)
    assert report.names == (
        "hidden.bias",
        "hidden.kernel",
        "norm.bias",
        "norm.scale",
        "out.bias",
        "out.kernel",
    )
    assert losses[-1] < losses[0]
    assert float(report.norm_before) > 0
    assert int(gradclip.optax.reports(trainer.opt_state)["clip"].skipped) == 0
    assert int(jax.tree.leaves(trainer.opt_state.clip.skipped)[0]) == 1


@every_policy
def test_flax_linen_trains_and_its_bytes_bring_the_state_back(policy):
    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Dense(1)(nn.relu(nn.Dense(4)(x)))

    net = Net()
    params = net.init(jax.random.key(0), INPUTS)["params"]
    state = train_state.TrainState.create(apply_fn=net.apply, params=params, tx=optimizer(policy))
    fresh = state

    @jax.jit
    def step(state):
        def loss(params):
            return squared_error(state.apply_fn({"params": params}, INPUTS))

        return state.apply_gradients(grads=jax.grad(loss)(state.params))

    for _ in range(4):
        state = step(state)
    assert gradclip.optax.report(state.opt_state).names[0] == "Dense_0.bias"
    restored = serialization.from_bytes(fresh, serialization.to_bytes(state))
    assert_same(restored.opt_state, state.opt_state)
    assert_same(step(restored).params, step(state).params)

"""Policies in Equinox's training loops."""

import jax
import pytest
from tests.optax.training import INPUTS, assert_same, every_policy, optimizer, squared_error

import gradclip.optax

eqx = pytest.importorskip("equinox")
pytestmark = pytest.mark.jax


@every_policy
def test_equinox_trains_and_its_leaves_bring_the_state_back(policy, tmp_path):
    model = eqx.nn.MLP(2, 1, 4, 1, key=jax.random.key(0))
    transformation = optimizer(policy)
    fresh = state = transformation.init(eqx.filter(model, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(model, state):
        def loss(model):
            return squared_error(jax.vmap(model)(INPUTS))

        grads = eqx.filter_grad(loss)(model)
        params = eqx.filter(model, eqx.is_inexact_array)
        updates, state = transformation.update(grads, state, params)
        return eqx.apply_updates(model, updates), state

    for _ in range(4):
        model, state = step(model, state)
    names = gradclip.optax.report(state).names
    assert [n for n in names if n.endswith("weight")] == ["layers.0.weight", "layers.1.weight"]
    eqx.tree_serialise_leaves(tmp_path / "state.eqx", state)
    assert_same(eqx.tree_deserialise_leaves(tmp_path / "state.eqx", fresh), state)

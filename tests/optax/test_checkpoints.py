"""States of policies saved and restored."""

import pickle

import jax
import jax.numpy as jnp
import pytest
from tests.optax.training import assert_same, every_policy, optimizer, trained

pytestmark = pytest.mark.jax


@every_policy
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_orbax_saves_and_restores_to_the_bit(policy, tmp_path):
    ocp = pytest.importorskip("orbax.checkpoint")
    params, state = trained(policy, 4)
    _, fresh = trained(policy, 0)
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        restored = checkpointer.restore(tmp_path / "state", fresh)
    assert_same(restored, state)
    ours, theirs = (
        optimizer(policy).update(jax.tree.map(jnp.ones_like, params), s, params)
        for s in (restored, state)
    )
    assert_same(ours, theirs)


@every_policy
def test_pickle_saves_and_restores_to_the_bit(policy):
    _, state = trained(policy, 4)
    assert_same(pickle.loads(pickle.dumps(state)), state)

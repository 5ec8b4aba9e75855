import numpy as np
import pytest

from tests.instrumenting.harness import check_followed

pytestmark = [pytest.mark.jax, pytest.mark.long]
KINDS = [
    "eager", "donated", "momentum", "units", "blocks", "scan", "fori", "finite",
    "masked", "partition", "decayed", "plateau", "lookahead", "sharpness", "by_hand", "within",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_loop_is_followed_to_the_bit(kind, tmp_path):
    run = check_followed("jax_loops.py", tmp_path / "run", kind)
    names = [f"dense_{i}.{part}" for i in range(2) for part in ("bias", "kernel")]
    assert [p.name for p in run.metadata.parameters] == names


def test_an_injected_learning_rate_is_seen(tmp_path):
    run = check_followed("jax_loops.py", tmp_path / "run", "inject")
    np.testing.assert_allclose(run.learning_rate, np.linspace(1e-2, 1e-3, 13)[:12], rtol=1e-5)


def test_gradients_alone_make_steps_where_there_is_no_optimizer(tmp_path):
    run = check_followed("jax_loops.py", tmp_path / "run", "plain")
    assert run.updates is None


@pytest.mark.parametrize("kind", ["linen", "nnx"])
def test_flax_is_followed_to_the_bit(kind, tmp_path):
    run = check_followed("jax_flax.py", tmp_path / "run", kind)
    names = [p.name.lower().replace("_0", "") for p in run.metadata.parameters]
    assert names == ["conv.bias", "conv.kernel", "dense.bias", "dense.kernel"]


def test_equinox_is_followed_to_the_bit(tmp_path):
    run = check_followed("jax_equinox.py", tmp_path / "run")
    names = [f"layers.{i}.{part}" for i in range(3) for part in ("weight", "bias")]
    assert [p.name for p in run.metadata.parameters] == names

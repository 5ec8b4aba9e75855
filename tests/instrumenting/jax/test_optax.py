import numpy as np
import pytest

from tests.instrumenting.harness import check_followed

pytestmark = pytest.mark.jax


def test_a_compiled_step_with_optax_is_followed_to_the_bit(tmp_path):
    run = check_followed("jax_optax.py", tmp_path / "run")
    names = [p.name for p in run.metadata.parameters]
    assert names == [f"dense_{i}.{part}" for i in range(3) for part in ("bias", "kernel")]
    assert list(run.updates.steps) == [0, 10]
    assert np.all(run.updates.update_norms > 0)

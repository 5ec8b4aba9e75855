"""Several networks that are trained in one loop."""

import numpy as np
import pytest

from tests.instrumenting.harness import check_followed

pytestmark = [pytest.mark.jax, pytest.mark.long]
NAMES = [f"{who}_params.{part}" for who in "dg" for part in "bw"]


@pytest.mark.parametrize("kind", ["apart", "together", "twins", "shared"])
def test_two_networks_of_the_same_names_make_one_step(kind, tmp_path):
    run = check_followed("jax_gan.py", tmp_path / "run", kind)
    assert [p.name for p in run.metadata.parameters] == NAMES
    assert not (tmp_path / "run-2").exists()
    assert list(run.updates.steps) == [0, 10]
    assert np.all(run.updates.update_norms > 0)
    assert np.all(run.norms_before > 0)


def test_a_network_that_is_trained_at_every_third_step_is_of_the_run(tmp_path):
    run = check_followed("jax_gan.py", tmp_path / "run", "critic")
    assert [p.name for p in run.metadata.parameters] == NAMES
    seen = np.nan_to_num(run.norms_before[:, 2:]) > 0
    np.testing.assert_array_equal(seen.all(axis=1), np.arange(12) % 3 == 2)

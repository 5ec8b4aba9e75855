"""Steps on several devices, in loops and branches, and of several trainings at once."""

import pytest

from tests.instrumenting.harness import check_followed, followed, plain

pytestmark = [pytest.mark.jax, pytest.mark.long]
DEVICES = "--xla_force_host_platform_device_count"


@pytest.mark.parametrize("num_devices", [1, 2])
@pytest.mark.parametrize("kind", ["pmap", "shard_map"])
def test_a_step_on_several_devices_is_one(kind, num_devices, tmp_path, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", f"{DEVICES}={num_devices}")
    check_followed("jax_within.py", tmp_path / "run", kind)


@pytest.mark.parametrize("kind", ["until", "branch", "scans", "static", "checkpoint"])
def test_a_step_within_something_else_is_followed_to_the_bit(kind, tmp_path):
    check_followed("jax_within.py", tmp_path / "run", kind)


def test_several_trainings_at_once_are_not_recorded_which_is_said(tmp_path):
    alone, watched = plain("jax_within.py", "seeds"), followed("jax_within.py", tmp_path, "seeds")
    assert watched.stdout == alone.stdout
    assert "Steps within jax.vmap are not recorded" in " ".join(watched.stderr.split())

import pytest

from tests.instrument.harness import check_followed

pytestmark = pytest.mark.torch


def test_a_plain_loop_is_followed_to_the_bit(tmp_path):
    run = check_followed("torch_mlp.py", tmp_path / "run")
    assert [p.name for p in run.metadata.parameters] == ["0.weight", "0.bias", "2.weight", "2.bias"]


@pytest.mark.long
def test_what_a_program_clips_itself_is_seen(tmp_path):
    run = check_followed("torch_mlp.py", tmp_path / "run", "--clip")
    assert set(run.limit) == {0.25}
    assert run.updates is not None

"""What is refused before there is an optimizer."""

import lightning.pytorch as pl
import pytest
from accelerate.utils import DistributedType

import gradclip
from gradclip.integrations.settings import Settings, check_whole

pytestmark = [pytest.mark.torch, pytest.mark.trainers]
strategies = pl.strategies


@pytest.mark.parametrize(
    "way",
    [
        *(DistributedType.FSDP.value, DistributedType.DEEPSPEED.value),
        *(DistributedType.MEGATRON_LM.value, strategies.FSDPStrategy.__name__),
        *(strategies.DeepSpeedStrategy.__name__, strategies.ModelParallelStrategy.__name__),
    ],
)
def test_shards_of_gradients_are_refused(way):
    with pytest.raises(gradclip.ConfigurationError, match=f"got {way}, which shards"):
        check_whole(way)


@pytest.mark.parametrize(
    "way",
    [
        *(DistributedType.NO.value, DistributedType.MULTI_CPU.value),
        *(DistributedType.MULTI_GPU.value, strategies.DDPStrategy.__name__),
    ],
)
def test_whole_gradients_are_taken(way):
    check_whole(way)


@pytest.mark.parametrize(
    "wrong", [{"policy": "global-norn=1"}, {"nonfinite": "ignore"}, {"policy": 3}]
)
def test_wrong_settings_are_refused_at_once(wrong):
    right = {"policy": "global-norm=1", "nonfinite": "skip", "max_skipped": 10}
    with pytest.raises(gradclip.ConfigurationError):
        Settings(**{**right, **wrong})

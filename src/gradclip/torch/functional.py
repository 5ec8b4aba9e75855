"""The clipping functions on PyTorch tensors."""

from collections.abc import Iterable

from torch import Tensor

from gradclip.core.functions import Functions
from gradclip.core.sequences import read_once
from gradclip.core.statistics import Statistics
from gradclip.torch import on_host
from gradclip.torch.namespace import TorchNamespace


class TorchFunctions(Functions):
    """The functions, of which one has a shorter way on the host."""

    def gradient_statistics(
        self, t_list: Iterable[Tensor | None], name: str | None = None
    ) -> Statistics:
        """Return what one look at each tensor tells, as `Functions` describes it."""
        tensors = read_once(t_list)
        if all(isinstance(t, Tensor) for t in tensors):
            found = on_host.statistics(tensors)
            if found is not None:
                return found
        return super().gradient_statistics(tensors, name)


functions = TorchFunctions(TorchNamespace())

clip_by_value = functions.clip_by_value
clip_by_norm = functions.clip_by_norm
clip_by_average_norm = functions.clip_by_average_norm
clip_by_block_rms = functions.clip_by_block_rms
clip_by_global_norm = functions.clip_by_global_norm
global_norm = functions.global_norm
gradient_statistics = functions.gradient_statistics
adaptive_clip = functions.adaptive_clip

"""The own clipping of FSDP's first version, which is set up when a program imports that.

PyTorch itself may do so in the middle of another import: nothing large is imported here.
"""

import sys
from typing import Any

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.late import Late
from gradclip.instrumenting.torch.wrapping import telling

__all__ = ["install"]


def install(session: Session) -> None:
    """Have models that FSDP wraps tell what they are about to clip.

    Args:
        session: Where the steps go.
    """
    tell = session.shared(Late).making("before_clip")

    def before(model: Any, max_norm: Any, *_: Any, **__: Any) -> None:
        tell(list(model.parameters()), max_norm)

    kind: Any = sys.modules["torch.distributed.fsdp"].FullyShardedDataParallel
    kind.clip_grad_norm_ = telling(kind.clip_grad_norm_, before=before)

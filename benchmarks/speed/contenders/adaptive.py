"""The packages zclip, autoclip and smartclip, each made to clip at the case's threshold."""

import autoclip.torch
import smartclip
import torch
import zclip

from benchmarks.speed.contenders.gradients import Gradients
from benchmarks.speed.timing import Contender

_HISTORY = 64  # steps seen before; their defaults are 25, 1000 and 1024


def adaptive(gradients: Gradients) -> list[Contender]:
    """Return each package after some steps, so that it compares and is not warming up."""
    return [_zclip(gradients), _autoclip(gradients), _smartclip(gradients)]


def _zclip(gradients: Gradients) -> Contender:
    clipper = zclip.ZClip(max_grad_norm=gradients.limit, warmup_steps=1)
    gradients.restore()
    clipper.step(gradients.module)  # the first step is the warm-up
    return Contender(
        "zclip ZClip", lambda: clipper.step(gradients.module), "2-norm", gradients.restore
    )


def _autoclip(gradients: Gradients) -> Contender:
    clipper = autoclip.torch.QuantileClip(
        gradients.parameters, quantile=0.5, history_length=_HISTORY, global_threshold=True
    )

    def prepare() -> None:
        gradients.restore()
        clipper.state["global_history"] = torch.full((_HISTORY,), gradients.limit)

    return Contender("autoclip QuantileClip", clipper.step, "2-norm", prepare)


def _smartclip(gradients: Gradients) -> Contender:
    clipper = smartclip.AutoClip(
        mode="percentile",
        percentile=50.0,
        history="window",
        window_size=_HISTORY,
        warmup_steps=0,
        min_history=1,
    )
    past = {"keys": [["global"]], "values": [[gradients.limit] * _HISTORY]}

    def prepare() -> None:
        gradients.restore()
        state = clipper.state_dict()
        clipper.load_state_dict({**state, "autoclip": {**state["autoclip"], "window": past}})

    return Contender(
        "smartclip AutoClip",
        lambda: smartclip.apply(gradients.module, clipper),
        "2-norm",
        prepare,
    )

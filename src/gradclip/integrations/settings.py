"""How a trainer's optimizers are to be clipped."""

from dataclasses import dataclass
from typing import Any

import torch

from gradclip.core.decide import NonFinite
from gradclip.core.policies.resolve import resolve_policy
from gradclip.errors import ConfigurationError
from gradclip.torch import Attached, Clipper, attach

# What trainers call the ways to give each process a part of a gradient alone.
_SHARDED = (
    "DEEPSPEED",
    "DeepSpeedStrategy",
    "FSDP",
    "FSDPStrategy",
    "MEGATRON_LM",
    "ModelParallelStrategy",
    "XLAFSDPStrategy",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What `attach` is told, before there is an optimizer.

    Attributes:
        policy: A policy, or a text that names one.
        nonfinite: What NaN and infinite gradients lead to.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of these.

    Example:
        >>> settings = Settings(policy="norm=1", nonfinite="skip", max_skipped=10)
        >>> settings.clipper().policy
        Norm(max_norm=1.0, axes=None, norm_type=2.0)
    """

    policy: object
    nonfinite: NonFinite
    max_skipped: int | None

    def __post_init__(self) -> None:
        self.clipper()  # which checks them

    def clipper(self) -> Clipper:
        """Return a clipper that has seen nothing."""
        return Clipper(self.policy, nonfinite=self.nonfinite, max_skipped=self.max_skipped)

    def attach(self, optimizer: Any, model: torch.nn.Module | None) -> Attached:
        """Attach the policy to an optimizer, whose parameters the model names."""
        return attach(
            optimizer,
            resolve_policy(self.policy),
            model,
            nonfinite=self.nonfinite,
            max_skipped=self.max_skipped,
        )


def check_whole(way: str) -> None:
    """Raise if a trainer gives each process a part of a gradient alone.

    A policy would take the norm of the part for the norm of the whole.

    Args:
        way: How gradients are spread: the name of Lightning's strategy or accelerate's type.

    Raises:
        ConfigurationError: They are sharded.

    Example:
        >>> check_whole("DDPStrategy")
        >>> check_whole("FSDP")
        Traceback (most recent call last):
        gradclip.errors.ConfigurationError: Every process must have whole gradients, got FSDP...
    """
    if way in _SHARDED:
        msg = (
            f"Every process must have whole gradients, got {way}, which shards them: "
            "a policy would see the norm of a shard. Use the trainer's own clipping here."
        )
        raise ConfigurationError(msg)

"""Clipping of an optimizer's updates, described; adapters that reach its state carry it out."""

from dataclasses import dataclass
from typing import ClassVar

from gradclip.core.arithmetic import State
from gradclip.core.namespace import Array
from gradclip.core.policies.batch import Batch
from gradclip.core.policies.checks import check_number
from gradclip.core.policies.combine import Chain
from gradclip.core.policies.policy import Policy, Verdict
from gradclip.core.policies.resolve import NoClipping
from gradclip.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class UpdateRMS:
    """Scale each tensor's update down where its gradient outgrows the optimizer's second moment.

    With the gradient g that the optimizer got and its second moment u after that step, corrected
    for the bias of its start, the whole update of a tensor, weight decay included, is divided by
    `max(1, r / max_rms)`, r being the root mean square of `g / max(sqrt(u), eps)`. The gradient
    and the optimizer's moments stay as they are. It stands alone, or as a part of a `Chain`.

    Attributes:
        max_rms: The largest root mean square, > 0; the papers' is 1.
        eps: The least root of the second moment to divide by, > 0.

    Raises:
        ConfigurationError: A number is out of its range.

    Example:
        >>> import gradclip
        >>> gradclip.UpdateRMS()
        UpdateRMS(max_rms=1.0, eps=1e-06)

    References:
        Wortsman et al., *Stable and low-precision training for large-scale vision-language
        models*, 2023, arXiv:2304.13013, algorithm 2 (StableAdamW). Shazeer and Stern,
        *Adafactor*, 2018, arXiv:1804.04235, section 6.
    """

    max_rms: float = 1.0
    eps: float = 1e-6
    name: ClassVar[str] = "update-rms"

    def __post_init__(self) -> None:
        check_number("max_rms", self.max_rms, above=0.0)
        check_number("eps", self.eps, above=0.0)

    def init(self, batch: Batch) -> State:
        """Refuse: whoever can carry it out takes it out of the policy first.

        Raises:
            ConfigurationError: Always.
        """
        del batch
        msg = (
            "UpdateRMS needs an optimizer whose second moment and updates can be reached: give it "
            "to gradclip.torch.attach or gradclip's optax wrapper, alone or within a Chain."
        )
        raise ConfigurationError(msg)

    def update(self, batch: Batch, state: State, step: Array) -> tuple[Batch, Verdict, State]:
        """Return the gradients as they came."""
        del step
        return batch, Verdict(float("inf"), False), state  # noqa: FBT003 - a NamedTuple's field


def split_update_clipping(policy: Policy) -> tuple[Policy, UpdateRMS | None]:
    """Take the clipping of updates out of a policy.

    Args:
        policy: A policy, with an `UpdateRMS` alone or as a part of a `Chain`.

    Returns:
        What is to be done to the gradients, and to the updates.

    Raises:
        ConfigurationError: There is more than one `UpdateRMS`.

    Example:
        >>> import gradclip
        >>> split_update_clipping(gradclip.Chain(gradclip.BlockRMS(1.0), UpdateRMS()))
        (BlockRMS(max_norm=1.0), UpdateRMS(max_rms=1.0, eps=1e-06))
    """
    found = list(_flattened(policy))
    updates = [part for part in found if isinstance(part, UpdateRMS)]
    if not updates:
        return policy, None
    if len(updates) > 1:
        msg = f"Updates can be clipped once, got {len(updates)} UpdateRMS in {policy!r}."
        raise ConfigurationError(msg)
    rest = [part for part in found if not isinstance(part, UpdateRMS)]
    if not rest:
        return NoClipping(), updates[0]
    return rest[0] if len(rest) == 1 else Chain(*rest), updates[0]


def _flattened(policy: Policy) -> list[Policy]:
    """Return the links of a chain of chains."""
    if not isinstance(policy, Chain):
        return [policy]
    return [part for link in policy.policies for part in _flattened(link)]

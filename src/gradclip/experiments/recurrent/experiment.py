"""The temporal-order experiment: every choice of it, checked."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from gradclip.core.policies.policy import Policy
from gradclip.core.policies.resolve import parse_policy
from gradclip.errors import ConfigurationError
from gradclip.experiments.recurrent.network import Init
from gradclip.experiments.recurrent.tasks import CLASSES, SYMBOLS


@dataclass(frozen=True, kw_only=True, slots=True)
class TemporalOrder:
    """A tanh RNN on the temporal-order problem, trained by plain SGD in NumPy.

    Attributes:
        length: The sequences' length, >= 5.
        steps: How many batches to train on at most; training ends when the problem is solved.
        batch_size: Sequences a batch; the paper's 20.
        lr: The learning rate, >= 0. The paper has 0.01 and millions of steps; 0.1 shows the same
            within some thousand.
        hidden: The hidden units; the paper's 50.
        init: How weights are drawn, as in `recurrent.network.draw_weights`.
        clip: What clips, as `parse_policy` reads it; the paper's threshold of 1 by default.
        seed: What weights and sequences are drawn from, >= 0.

    Raises:
        ConfigurationError: A choice is unknown or a number out of its range.

    Example:
        >>> TemporalOrder().widths
        (6, 50, 4)
    """

    length: int = 20
    steps: int = 4000
    batch_size: int = 20
    lr: float = 0.1
    hidden: int = 50
    init: Init = "basic-tanh"
    clip: str | None = "global-norm=1"
    seed: int = 0
    framework: Literal["numpy"] = "numpy"
    clipper: Literal["gradclip"] = "gradclip"

    def __post_init__(self) -> None:
        least = {"length": 5, "steps": 1, "batch_size": 1, "hidden": 1, "seed": 0}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                msg = f"`{name}` must be a whole number >= {bound}, got {getattr(self, name)!r}."
                raise ConfigurationError(msg)
        if not 0 <= self.lr < math.inf:
            msg = f"`lr` must be a finite number >= 0, got {self.lr!r}."
            raise ConfigurationError(msg)
        if self.init not in get_args(Init):
            msg = f"`init` must be one of {', '.join(get_args(Init))}, got {self.init!r}."
            raise ConfigurationError(msg)
        parse_policy(self.clip)

    @property
    def widths(self) -> tuple[int, int, int]:
        """The numbers of symbols, hidden units and classes."""
        return (len(SYMBOLS), self.hidden, len(CLASSES))

    @property
    def policy(self) -> Policy | None:
        """What clips; None for nothing."""
        return parse_policy(self.clip)

"""The state of an optimizer: a pytree that counts steps."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
from jax import Array

from gradclip.core.policies.report import Report
from gradclip.jax.clipped import ClippedState
from gradclip.jax.report import report_of


@partial(
    jax.tree_util.register_dataclass, data_fields=["clipped", "step"], meta_fields=["structure"]
)
@dataclass(frozen=True, slots=True)
class OptimizerState:
    """What an `Optimizer` knows between two steps."""

    clipped: ClippedState  # of the policy and the transformation
    step: Array  # (), int32: the steps that were applied
    structure: Any  # the parameters' tree, static

    @property
    def inner(self) -> Any:
        """The transformation's own state."""
        return self.clipped.inner

    @property
    def skipped(self) -> Array:
        """The steps that were dropped, (), int32."""
        return self.clipped.clip.skipped

    @property
    def skipped_in_a_row(self) -> Array:
        """The steps that were dropped since one was applied, (), int32."""
        return self.clipped.clip.skipped_in_a_row

    @property
    def report(self) -> Report:
        """What the last step came to."""
        return report_of(self.clipped.clip)

"""Policies on NumPy arrays."""

from gradclip.core.decide import NonFinite
from gradclip.core.policies import clipper
from gradclip.core.policies.resets import warn_of_moments_out_of_reach
from gradclip.numpy.namespace import NumpyNamespace


class Clipper(clipper.Clipper):
    """Clip the gradients of step after step.

    Args:
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"global-norm=1"`.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` gives zeros and counts the
            step as skipped, `"raise"` raises, `"zero"` puts zeros in place of the bad tensors
            alone, `"propagate"` passes NaN on.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
        statistics: Whether reports shall have `statistics` too: largest entries, non-finite ones
            and zeros. The gradients are read once all the same.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of these.

    Example:
        >>> import numpy as np, gradclip
        >>> clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0))
        >>> clipper([np.array([3.0]), None, np.array([4.0])])
        [array([0.6]), None, array([0.8])]
        >>> clipper.report.norm_before, clipper.report.scale
        (5.0, 0.2)
    """

    def __init__(
        self,
        policy: object,
        *,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
        statistics: bool = False,
    ) -> None:
        super().__init__(
            policy,
            nonfinite=nonfinite,
            max_skipped=max_skipped,
            statistics=statistics,
            xp=NumpyNamespace(),
        )
        warn_of_moments_out_of_reach(self.policy, "Set your optimizer's moments to zero then")

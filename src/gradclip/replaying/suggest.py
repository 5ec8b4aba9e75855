"""A threshold from an observed run."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradclip.core.policies.fixed import GlobalNorm
from gradclip.errors import ConfigurationError
from gradclip.numpy.measure import norm
from gradclip.replaying.norms import norms_of

_SHARES = (0.001, 0.01, 0.05, 0.1, 0.5)
_LEAST_EXPONENT = -307  # 10 to less is no normal number, and at last 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A threshold for the global norm, and what it would have done to the run.

    Attributes:
        max_norm: The threshold, of two digits.
        share: The share of the steps with finite norms that it would have clipped, in [0, 1].
        steps: How many such steps there were.
        median: The median of their norms.
        largest: The largest of their norms.
        alternatives: Thresholds by the share that was asked of them.
    """

    max_norm: float
    share: float
    steps: int
    median: float
    largest: float
    alternatives: dict[float, float]

    @property
    def policy(self) -> GlobalNorm:
        """The policy to clip with."""
        return GlobalNorm(self.max_norm)

    def __str__(self) -> str:
        """Say what to do and why."""
        others = ", ".join(f"{100 * s:g} %: {x:.2g}" for s, x in self.alternatives.items())
        return (
            f"GlobalNorm({self.max_norm:g}) would have clipped {100 * self.share:.2g} % of "
            f"{self.steps} steps (median norm {self.median:.3g}, largest {self.largest:.3g}). "
            f"By share: {others}."
        )


def suggest(run_or_norms: Any, *, share: float = 0.01) -> Suggestion:
    """Suggest a threshold for the global norm from an observed run.

    Args:
        run_or_norms: A run, the path of its directory, global norms of shape (S,), or norms of P
            parameters of shape (S, P), all before clipping. Norms that are not finite are left
            out.
        share: The share of the steps to clip at most, in [0, 1]: 0.01 leaves all but rare spikes
            alone. Pascanu et al. take half to ten times the mean of the norms.

    Returns:
        The threshold, rounded up to two digits, and the share that it would have clipped.

    Raises:
        ConfigurationError: There is no step with a finite norm, or `share` is no share.
        RunError: There is no run at this path.

    Example:
        >>> import gradclip
        >>> suggestion = gradclip.suggest([1.0] * 98 + [1.2, 80.0])
        >>> suggestion.max_norm, suggestion.share
        (1.2, 0.01)

    References:
        Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*,
        2013, arXiv:1211.5063, section 3.2.
    """
    if isinstance(share, bool) or not 0 <= share <= 1:
        msg = f"`share` must be a number in [0, 1], got {share!r}. 0.01 clips one step in 100."
        raise ConfigurationError(msg)
    with np.errstate(all="ignore"):
        norms = norm(norms_of(run_or_norms).values, (1,))[:, 0]
    norms = np.sort(norms[np.isfinite(norms)])
    if not len(norms):
        msg = "There must be a step with a finite norm to suggest a threshold, got none."
        raise ConfigurationError(msg)
    threshold = _threshold(norms, share)
    return Suggestion(
        max_norm=threshold,
        share=float(np.mean(norms > threshold)),
        steps=len(norms),
        median=float(np.median(norms)),
        largest=float(norms[-1]),
        alternatives={s: _threshold(norms, s) for s in _SHARES},
    )


def _threshold(norms: Any, share: float) -> float:
    """Return a number of two digits that at most a share of sorted norms exceeds."""
    exceeding = math.floor(share * len(norms))
    least = float(norms[max(len(norms) - 1 - exceeding, 0)])
    if least == 0:
        return 0.0
    unit = 10.0 ** max(math.floor(math.log10(least)) - 1, _LEAST_EXPONENT)
    steps = math.ceil(least / unit - 1e-9)  # 1.2 / 0.1 lies a little above 12
    return float(f"{steps * unit:.2g}")

"""What a policy would have done on recorded norms."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradclip.core.policies.clip import Clip
from gradclip.core.policies.granularity import Grouped
from gradclip.core.policies.resolve import resolve_policy
from gradclip.core.policies.run import init, update
from gradclip.core.policies.walk import walk
from gradclip.errors import ConfigurationError
from gradclip.numpy.namespace import NumpyNamespace
from gradclip.replaying.norms import WHOLE, norms_of

_xp = NumpyNamespace()
Column = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """A policy's decisions on S recorded steps of P parameters.

    Attributes:
        names: The parameters' names; one, `"all gradients"`, where only global norms are known.
        norm_before: The global norms as recorded, (S,).
        norm_after: The global norms after clipping, (S,); 0 for a skipped step.
        limit: The limits in force, (S,); inf where there was none, NaN where there were several.
        scale: `norm_after / norm_before`, (S,); exactly 1 where nothing would have changed.
        skipped: Whether the step would have been dropped, (S,).
        parts_after: Each parameter's norm after clipping, (S, P).

    Example:
        >>> import gradclip
        >>> print(gradclip.replay([1.0, 8.0, 2.0, float("nan")], gradclip.GlobalNorm(4.0)))
        4 steps: 1 clipped (25.0 %), 1 skipped; smallest scale 0.5
    """

    names: tuple[str, ...]
    norm_before: Column
    norm_after: Column
    limit: Column
    scale: Column
    skipped: NDArray[np.bool_]
    parts_after: Column

    @property
    def clipped(self) -> NDArray[np.bool_]:
        """Whether each step would have been clipped, and not dropped, (S,)."""
        return (self.scale < 1) & ~self.skipped

    def __str__(self) -> str:
        """Say in a line what would have happened."""
        steps, clipped = len(self.scale), int(self.clipped.sum())
        share = f" ({100 * clipped / steps:.1f} %)" if steps else ""
        text = f"{steps} steps: {clipped} clipped{share}, {int(self.skipped.sum())} skipped"
        return text + (f"; smallest scale {self.scale[self.clipped].min():.3g}" if clipped else "")


def replay(run_or_norms: Any, policy: object, *, names: tuple[str, ...] | None = None) -> Replay:
    """Return what a policy would have done on recorded norms.

    The norms are taken as they were recorded: that other gradients would have followed if the
    policy had been there is beyond a replay. Skipped are steps whose norm is not finite.

    Args:
        run_or_norms: A run, the path of its directory, global norms of shape (S,), or norms of P
            parameters of shape (S, P), all before clipping.
        policy: A policy or a text such as `"zclip"`. It may ask for 2-norms of tensors, layers,
            groups, or all; with global norms (S,) for those of all alone.
        names: The names of P parameters where an array (S, P) is given, for patterns and layers;
            only there.

    Returns:
        The decisions.

    Raises:
        ConfigurationError: The policy asks for what was not recorded, or the norms are none.
        RunError: There is no run at this path.

    Example:
        >>> import gradclip
        >>> gradclip.replay([1.0, 8.0, 2.0], "global-norm=4").scale
        array([1. , 0.5, 1. ])
    """
    labels, values = norms_of(run_or_norms, names)
    resolved = resolve_policy(policy)
    _check_replayable(resolved, whole_only=labels == WHOLE)
    rows = [list(row[:, None]) for row in values]  # a gradient of one entry has the norm recorded
    state = init(resolved, [np.zeros(1) for _ in labels], labels, _xp)
    reports = []
    for row in rows:
        outcome = update(resolved, row, state, weights=[], names=labels, nonfinite="skip", xp=_xp)
        state = outcome.state
        reports.append(outcome.report)
    return Replay(
        names=labels,
        norm_before=_column([r.norm_before for r in reports]),
        norm_after=_column([r.norm_after for r in reports]),
        limit=_column([r.limit if np.ndim(r.limit) == 0 else np.nan for r in reports]),
        scale=_column([r.scale for r in reports]),
        skipped=np.array([r.skipped for r in reports], dtype=np.bool_),
        parts_after=np.reshape([r.parts_after for r in reports], values.shape),
    )


def _column(values: list[Any]) -> Column:
    return np.array(values, dtype=np.float64)


def _check_replayable(policy: Any, *, whole_only: bool) -> None:
    """Raise unless 2-norms of tensors are all that a policy asks for.

    Raises:
        ConfigurationError: It asks for more.
    """
    for part in walk(policy):
        if type(part).__name__ in {"Own", "Entries"}:
            needs = "entries"
        elif not isinstance(part, Clip):
            continue
        elif not isinstance(part.granularity, Grouped) and part.granularity not in _KNOWN:
            needs = "norms of each entry" if part.granularity == "element" else "norms of units"
        elif part.norm != 2 or part.action == "clamp":  # noqa: PLR2004 - a 2-norm
            needs = f"the norm {part.norm!r} and the action {part.action!r}"
        elif getattr(part.limit, "relative", False):
            needs = "the parameters' norms"
        elif whole_only and part.granularity != "global":
            needs = "norms of each parameter (steps, parameters)"
        else:
            continue
        msg = f"A replay has recorded 2-norms only, but this policy needs {needs}: {policy!r}."
        raise ConfigurationError(msg)


_KNOWN = ("tensor", "layer", "global")

"""What a policy did to the gradients of one step."""

import math
from dataclasses import dataclass, fields
from typing import Any

from gradclip.core.arithmetic import is_scalar
from gradclip.core.namespace import Array
from gradclip.core.statistics import Statistics

_NAMES_SHOWN = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Norms before and after, without waiting for a device until somebody reads one.

    Every entry is a float, or a tensor of the framework that may still be computed; within a
    traced program all of them are traced. Norms are 2-norms. Printing waits.

    Attributes:
        names: The parameters' names, T of them.
        norm_before: The global norm of the gradients as they came, ().
        norm_after: The same of the gradients that the optimizer gets, (); 0 for a skipped step.
        limit: The limit in force, in the policy's kind of norm: (), or (T,) for policies of
            each tensor, layer or group; inf where there is none, NaN where one number cannot say.
        scale: `norm_after / norm_before`, (); exactly 1 where nothing was changed.
        skipped: Whether the step is to be dropped, ().
        parts_before: Each gradient's norm as it came, (T,); 0 where there is none.
        parts_after: Each gradient's norm after clipping, (T,).
        statistics: What one look told of the gradients as they came, before a loss's scale was
            taken from them; None unless `statistics=True` asked for it.

    Example:
        >>> import numpy as np, gradclip
        >>> clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0))
        >>> _ = clipper([np.array([3.0]), np.array([4.0])], names=["w", "b"])
        >>> print(clipper.report)
        norm 5 -> 1, limit 1, scale 0.2
          w  3 -> 0.6
          b  4 -> 0.8
    """

    names: tuple[str, ...]
    norm_before: Array
    norm_after: Array
    limit: Array
    scale: Array
    skipped: Array
    parts_before: Array
    parts_after: Array
    statistics: Statistics | None = None

    def __str__(self) -> str:
        """Wait for the numbers and write them in lines."""
        limit = float(self.limit) if is_scalar(self.limit) else math.nan
        threshold = "several" if math.isnan(limit) else f"{limit:.4g}"
        head = (
            f"norm {float(self.norm_before):.4g} -> {float(self.norm_after):.4g}, "
            f"limit {threshold}, scale {float(self.scale):.4g}"
        )
        if bool(self.skipped):
            head += ", skipped"
        width = max(map(len, self.names), default=0)
        lines = [head]
        before, after = _floats(self.parts_before), _floats(self.parts_after)
        rows = list(zip(self.names, before, after, strict=True))
        lines += [f"  {name:<{width}}  {x:.4g} -> {y:.4g}" for name, x, y in rows[:_NAMES_SHOWN]]
        if len(rows) > _NAMES_SHOWN:
            lines.append(f"  and {len(rows) - _NAMES_SHOWN} more")
        return "\n".join(lines)

    def parts(self) -> dict[str, tuple[float, float]]:
        """Return each parameter's norm before and after by its name; this waits."""
        pairs = zip(_floats(self.parts_before), _floats(self.parts_after), strict=True)
        return dict(zip(self.names, pairs, strict=True))

    def __tf_flatten__(self) -> tuple[tuple[Any, ...], tuple[Array, ...]]:
        """Return what a `tf.function` holds fixed, and what it computes: TensorFlow's protocol."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "names"}
        present = {name: value for name, value in given.items() if value is not None}
        return (self.names, tuple(present)), tuple(present.values())

    @classmethod
    def __tf_unflatten__(cls, meta: tuple[Any, ...], values: tuple[Array, ...]) -> "Report":
        """Return the report of these parts."""
        names, present = meta
        return Report(names=names, **dict(zip(present, values, strict=True)))


def _floats(vector: Any) -> list[float]:
    """Return a vector's entries."""
    listed = vector.tolist() if hasattr(vector, "tolist") else vector.numpy().tolist()
    return [float(x) for x in listed]

"""What a step's report says to a trainer's logger."""

from typing import Any

from gradclip.core.policies.report import Report


def measures(report: Report, suffix: str = "") -> dict[str, Any]:
    """Return a step's numbers by the names that loggers get.

    Nothing waits for a device: the numbers are floats, or tensors that may still be computed.

    Args:
        report: What the step came to.
        suffix: What to put behind each name, to tell several optimizers apart.

    Returns:
        `grad_norm` before and `grad_norm_clipped` after the clipping, and `clip_scale`, their
        ratio.

    Example:
        >>> import torch, gradclip
        >>> clipper = gradclip.torch.Clipper("global-norm=1")
        >>> _ = clipper([torch.tensor([3.0, 4.0])])
        >>> measures(clipper.report)
        {'grad_norm': 5.0, 'grad_norm_clipped': 1.0, 'clip_scale': 0.2}
    """
    return {
        f"grad_norm{suffix}": report.norm_before,
        f"grad_norm_clipped{suffix}": report.norm_after,
        f"clip_scale{suffix}": report.scale,
    }

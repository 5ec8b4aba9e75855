"""Mistakes of order, noticed and said once."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._compile import _disable_dynamo
from torch.utils.weak import TensorWeakRef

from gradclip.core.policies.granularity import Grouped
from gradclip.core.policies.policy import Policy
from gradclip.core.policies.report import Report
from gradclip.core.policies.resets import out_of_reach
from gradclip.core.policies.walk import walk
from gradclip.core.warning import warn_user
from gradclip.errors import ConfigurationError
from gradclip.torch import amp

_REPEATS = 3  # steps in a row with one norm: PyTorch's own clipping leaves it within 1e-6
_SAME_NORM = 1e-5
# torch.compiler.disable would load what takes seconds, for programs that compile nothing too.
_warn: Callable[[str], None] = _disable_dynamo(warn_user)


class Guard:
    """Notice what is done in the wrong order, from step to step of one policy.

    Nothing here waits for a device, except for the first step's norm where a GradScaler is in
    use that has not unscaled the gradients.

    Args:
        tell: What is told of a mistake; by default it is a warning, of the user's line.
    """

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self._tell = tell
        self._said: set[str] = set()
        self._last: Report | None = None
        self._repeated = 0
        self._scale_looked_at = False
        self._clipped: tuple[TensorWeakRef, int, int] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process: weak references are not copied."""
        return {**self.__dict__, "_clipped": None}

    def no_gradients(self) -> None:
        """Say that there is nothing to clip."""
        self._say(
            "no gradients",
            "No parameter has a gradient, nothing is clipped. Clip after loss.backward() and "
            "before zero_grad().",
        )

    def expect_clipped(self) -> None:
        """Do not say that gradients were clipped before: whoever calls this has said so."""
        self._said.add("clipped before")

    def no_moments(self, optimizer: torch.optim.Optimizer) -> None:
        """Say that there is no momentum to reset."""
        self._say(
            "no moments",
            f"SPAM resets the optimizer's moments, got {type(optimizer).__name__}, which keeps "
            "none under a known name. Pass reset_every=None.",
        )

    def no_optimizer(self) -> None:
        """Say that there is no optimizer whose momentum could be reset."""
        self._say("no optimizer", out_of_reach("Use gradclip.torch.attach(optimizer, policy)"))

    def cannot_drop(self, optimizer: torch.optim.Optimizer) -> None:
        """Say what becomes of a skipped step where nobody waits for the device."""
        self._say(
            "cannot drop",
            f"{type(optimizer).__name__} cannot drop a step without waiting for the device: it "
            "takes a skipped step with zeros for gradients, so that momentum and weight decay go "
            "on. A fused optimizer (fused=True) drops it.",
        )

    def measured(self, report: Report, optimizer: torch.optim.Optimizer | None = None) -> None:
        """Look at what came: gradients that are scaled still, or were clipped before."""
        if torch.compiler.is_compiling():
            return
        if not self._scale_looked_at:
            self._scale_looked_at = True
            self._look_at_scale(report, optimizer)
        self._look_at_norm(report)

    def clipping(self, parameters: list[Tensor]) -> None:
        """Look at gradients that are about to be clipped in place: whether they were before."""
        if self._clipped is None:
            return
        reference, gradient_version, version = self._clipped
        parameter, gradient = _watched(parameters)
        if gradient is None or reference() is not gradient or _version(parameter) != version:
            return
        if _version(gradient) == gradient_version:
            self._say(
                "twice",
                "The same gradients are clipped twice before the optimizer's step. Clip once.",
            )
        else:
            self._say(
                "accumulating",
                "Gradients that were clipped before have been added to: a clip in the middle of "
                "an accumulation. Clip once, right before the optimizer's step.",
            )

    def clipped(self, parameters: list[Tensor], report: Report) -> None:
        """Remember gradients that were clipped in place."""
        self._clipped = None
        parameter, gradient = _watched(parameters)
        if gradient is not None and report.skipped is False:
            reference = TensorWeakRef(gradient)
            self._clipped = (reference, _version(gradient), _version(parameter))

    def _look_at_scale(self, report: Report, optimizer: torch.optim.Optimizer | None) -> None:
        scale = amp.forgotten_scale(report.norm_before, optimizer)
        if scale is not None:
            self._say(
                "scaled",
                f"Gradients seem to be scaled by GradScaler's {scale:g} still, their norm is "
                f"{float(report.norm_before):.3g}. Call scaler.unscale_(optimizer) before "
                "clipping, and scaler.step(optimizer) instead of optimizer.step().",
            )

    def _look_at_norm(self, report: Report) -> None:
        """Count steps whose gradients differ and have one norm."""
        last, self._last = self._last, report
        if last is None or not _same_norm(last.norm_before, report.norm_before):
            self._repeated = 0
            return
        same_shape = last.parts_before.shape == report.parts_before.shape
        if same_shape and torch.equal(last.parts_before, report.parts_before):
            return
        self._repeated += 1
        if self._repeated >= _REPEATS - 1:
            self._say(
                "clipped before",
                f"Different gradients came with the norm {report.norm_before:.6g} {_REPEATS} "
                "times in a row: something else clips them before. Clip once: leave out "
                "torch.nn.utils.clip_grad_norm_, a trainer's gradient_clip_val or max_grad_norm, "
                "or a second policy.",
            )

    def _say(self, what: str, message: str) -> None:
        if what not in self._said:
            self._said.add(what)
            (self._tell or _warn)(message)


def check_outside_backward(policy: Policy) -> None:
    """Raise if a policy needs several gradients where there is one: in the middle of backward.

    Raises:
        ConfigurationError: An optimizer steps in a hook of backward, under such a policy.
    """
    if within_backward() and spans_tensors(policy):
        msg = (
            "A policy over several gradients needs all of them, got an optimizer that steps "
            f"within backward, where {policy!r} sees one by one. Use a policy for each tensor, "
            "such as Norm, or let one optimizer step after backward."
        )
        raise ConfigurationError(msg)


def within_backward() -> bool:
    """Tell whether `backward` is calling."""
    return torch._C._current_graph_task_id() != -1  # noqa: SLF001 - no other way to know


def spans_tensors(policy: Policy) -> bool:
    """Tell whether a policy takes norms over several tensors.

    Args:
        policy: The policy.

    Returns:
        Whether it does; of a user's function nothing is known.

    Example:
        >>> import gradclip
        >>> spans_tensors(gradclip.GlobalNorm(1.0)), spans_tensors(gradclip.Norm(1.0))
        (True, False)
    """
    kinds = [part.granularity for part in walk(policy) if hasattr(part, "granularity")]
    return any(kind in ("global", "layer") or isinstance(kind, Grouped) for kind in kinds)


def _same_norm(x: Any, y: Any) -> bool:
    """Tell whether two norms on the host are one but for rounding."""
    known = isinstance(x, float) and isinstance(y, float)
    return known and 0 < x < float("inf") and abs(x - y) <= _SAME_NORM * x


def _watched(parameters: list[Tensor]) -> tuple[Tensor, Tensor | None]:
    """Return the first parameter that has a gradient, and this."""
    for parameter in parameters:
        if parameter.grad is not None:
            return parameter, parameter.grad
    return torch.empty(0), None


def _version(tensor: Tensor) -> int:
    """Return how often a tensor has been written to."""
    return tensor._version  # noqa: SLF001 - PyTorch documents it

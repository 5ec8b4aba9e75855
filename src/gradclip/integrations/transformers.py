"""Hugging Face's Trainer: a callback."""

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from accelerate.optimizer import AcceleratedOptimizer
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState

from gradclip.core.decide import NonFinite
from gradclip.core.policies.config import from_config, to_config
from gradclip.core.policies.report import Report
from gradclip.core.policies.resolve import resolve_policy
from gradclip.errors import ConfigurationError
from gradclip.integrations.measures import measures
from gradclip.integrations.settings import Settings, check_whole

if TYPE_CHECKING:
    from gradclip.torch import Attached

__all__ = ["GradientClipping"]


class GradientClipping(TrainerCallback, ExportableState):
    """Clip the gradients right before each step of the Trainer's optimizer.

    It takes the place of `TrainingArguments(max_grad_norm=...)`, which is to be 0: the
    accumulated gradients are clipped once, after they were unscaled in mixed precision. What is
    logged as `grad_norm` is the norm before; `grad_norm_clipped` and `clip_scale` join it, in
    `log_history` and for the callbacks that come after this one. Checkpoints hold what the
    policy has learned, and a resumed run goes on with it.

    Args:
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"global-norm=1"`.
        nonfinite: What NaN and infinite gradients lead to, as in `gradclip.torch.attach`.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.

    Attributes:
        learned: What the policy had learned when a checkpoint was written; the Trainer sets it.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of these.

    Example:
        >>> from transformers import TrainingArguments
        >>> arguments = TrainingArguments("runs", max_grad_norm=0, use_cpu=True)
        >>> callbacks = [GradientClipping("zclip")]  # for Trainer(..., callbacks=callbacks)
    """

    def __init__(
        self, policy: object, *, nonfinite: NonFinite = "skip", max_skipped: int | None = 10
    ) -> None:
        if isinstance(policy, Mapping):  # from a checkpoint, where `state` has put it
            policy = from_config(policy)
        self._settings = Settings(policy=policy, nonfinite=nonfinite, max_skipped=max_skipped)
        self._attached: Attached | None = None
        self._before: Report | None = None
        self._stepped = False
        self.learned: dict[str, Any] | None = None

    @property
    def report(self) -> Report | None:
        """What the last step came to; None before the first."""
        return self._attached.report if self._attached else None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **of: Any
    ) -> None:
        """Attach the policy to the optimizer, and go on with what a checkpoint held."""
        del control
        optimizer = of["optimizer"]
        if isinstance(optimizer, AcceleratedOptimizer):
            check_whole(optimizer.accelerator_state.distributed_type.value)
        self._detach()
        self._attached = self._settings.attach(optimizer, of["model"])
        if args.max_grad_norm:
            _warn_of_clipping_twice(args.max_grad_norm)
            self._attached.expect_clipped()
        if state.global_step:
            self._resume(state.stateful_callbacks)

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **of: Any
    ) -> None:
        """Remember the report of the step before."""
        del args, state, control, of
        self._before = self.report

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **of: Any
    ) -> None:
        """See whether the step was taken: a GradScaler may have dropped it."""
        del args, state, control, of
        self._stepped = self.report is not self._before

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **of: Any
    ) -> None:
        """Put the norms of the last step beside what is logged; this waits, as logging does."""
        del control
        logs = of["logs"]
        if self.report is None or not self._stepped or "grad_norm" not in logs:
            return
        numbers = {name: float(number) for name, number in measures(self.report).items()}
        if args.max_grad_norm:  # then the Trainer has clipped before, and knows the norm before
            del numbers["grad_norm"]
        logs.update(numbers)
        state.log_history[-1].update(numbers)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **of: Any
    ) -> None:
        """Detach the policy from the optimizer; the report and the state stay."""
        del args, state, control, of
        self._detach()

    def state(self) -> dict[str, Any]:
        """Return what the Trainer writes into a checkpoint, as JSON has it."""
        learned = self.learned if self._attached is None else self._attached.state_dict()
        return {
            "args": {
                "policy": _written(self._settings.policy),
                "nonfinite": self._settings.nonfinite,
                "max_skipped": self._settings.max_skipped,
            },
            "attributes": {"learned": _listed(learned)},
        }

    def _resume(self, saved: object) -> None:
        """Take over what a checkpoint holds of callbacks: theirs by the names of their classes."""
        own = saved.get(type(self).__name__) if isinstance(saved, Mapping) else None
        learned = own["attributes"]["learned"] if isinstance(own, Mapping) else None
        if self._attached is not None and learned is not None:
            self._attached.load_state_dict(learned)

    def _detach(self) -> None:
        if self._attached is not None:
            self._attached.detach()


def _written(policy: object) -> Any:
    """Return a policy as JSON has it; of a user's function, a text that names no policy.

    Only `restore_callback_states_from_checkpoint` makes a callback of it again.
    """
    try:
        return to_config(resolve_policy(policy))
    except ConfigurationError:
        return repr(policy)


def _listed(value: Any) -> Any:
    """Return a state with numbers and lists in place of tensors, exactly."""
    if isinstance(value, Mapping):
        return {key: _listed(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(entry) for entry in value]
    return value.tolist() if isinstance(value, torch.Tensor) else value


def _warn_of_clipping_twice(max_grad_norm: float) -> None:
    """Warn that the Trainer clips before the policy gets the gradients."""
    msg = (
        f"Gradients are clipped twice, by TrainingArguments(max_grad_norm={max_grad_norm}) first. "
        "Set max_grad_norm=0 to leave it to the policy."
    )
    warnings.warn(msg, stacklevel=3)

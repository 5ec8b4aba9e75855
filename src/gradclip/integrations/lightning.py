"""Lightning: a callback, or a module that fills in `configure_gradient_clipping`."""

import warnings
from typing import Any

import torch

from gradclip.core.decide import NonFinite
from gradclip.core.policies.report import Report
from gradclip.errors import ConfigurationError
from gradclip.integrations.hiding import clip_or_hide
from gradclip.integrations.measures import measures
from gradclip.integrations.settings import Settings, check_whole
from gradclip.torch import Attached, Clipper
from gradclip.torch.names import NamedParameters

try:
    import lightning.pytorch as pl
except ModuleNotFoundError:
    import pytorch_lightning as pl  # type: ignore[no-redef]  # its other name

__all__ = ["ClippingModule", "GradientClipping"]

_KEY = "gradclip"  # where a module's clippings lie in a checkpoint


class GradientClipping(pl.Callback):
    """Clip the gradients of every optimizer right before each of its steps.

    It takes the place of `Trainer(gradient_clip_val=...)`: the accumulated gradients are clipped
    once, after they were unscaled in mixed precision, in automatic and in manual optimization.
    Several optimizers are clipped each by itself. Checkpoints hold what the policy has learned.

    Args:
        policy: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"global-norm=1"`.
        nonfinite: What NaN and infinite gradients lead to, as in `gradclip.torch.attach`.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
        log: Whether to log `grad_norm`, `grad_norm_clipped` and `clip_scale` of each step; with
            several optimizers `grad_norm/0`, `grad_norm/1` and so on.

    Raises:
        ConfigurationError: `policy` or `nonfinite` is none of these.

    Example:
        >>> import gradclip
        >>> clipping = GradientClipping(gradclip.ZClip())
        >>> trainer = pl.Trainer(accelerator="cpu", logger=False, callbacks=[clipping])
    """

    def __init__(
        self,
        policy: object,
        *,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
        log: bool = True,
    ) -> None:
        self._settings = Settings(policy=policy, nonfinite=nonfinite, max_skipped=max_skipped)
        self._log = log
        self._attached: list[Attached] = []
        self._logged: list[Report | None] = []
        self._saved: list[dict[str, Any]] | None = None

    @property
    def reports(self) -> list[Report | None]:
        """What the last step of each optimizer came to; None before the first."""
        return [attached.report for attached in self._attached]

    @property
    def report(self) -> Report | None:
        """The report of the first optimizer."""
        return next(iter(self.reports), None)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Attach the policy to the trainer's optimizers."""
        check_whole(type(trainer.strategy).__name__)
        self._attached = [self._settings.attach(o, pl_module) for o in trainer.optimizers]
        if _said_that_it_clips_twice(trainer, pl_module):
            for attached in self._attached:
                attached.expect_clipped()
        self._logged = self.reports

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Go on with what a checkpoint held."""
        del trainer, pl_module
        if self._saved is None:
            return
        _check_number(self._saved, self._attached)
        for attached, saved in zip(self._attached, self._saved, strict=True):
            attached.load_state_dict(saved)
        self._saved = None

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        """Log the steps that were taken since the last batch."""
        del trainer, args
        reports = self.reports
        several = len(reports) > 1
        if self._log:
            for i, (report, logged) in enumerate(zip(reports, self._logged, strict=True)):
                if report is not None and report is not logged:
                    _log(pl_module, report, i if several else None)
        self._logged = reports

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Detach the policy from the optimizers; reports and state stay."""
        del trainer, pl_module, stage
        self._detach()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Detach the policy from the optimizers."""
        del trainer, pl_module, exception
        self._detach()

    def state_dict(self) -> dict[str, Any]:
        """Return what the policy has learned, for each optimizer."""
        if self._saved is not None:
            return {"optimizers": self._saved}
        return {"optimizers": [attached.state_dict() for attached in self._attached]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, as soon as training starts."""
        self._saved = state_dict["optimizers"]

    def _detach(self) -> None:
        for attached in self._attached:
            attached.detach()


class ClippingModule(pl.LightningModule):
    """A LightningModule whose `configure_gradient_clipping` follows a policy.

    It clips what `Trainer(gradient_clip_val=...)` would, in its place: the accumulated and
    unscaled gradients of the optimizer that is about to step, in automatic optimization.
    Checkpoints hold what the policy has learned; an `on_save_checkpoint` or `on_load_checkpoint`
    of your own calls that of `super()`.

    Attributes:
        clip: A policy such as `gradclip.GlobalNorm(1.0)`, or a text such as `"global-norm=1"`;
            None clips nothing. Set it in the class, or in `__init__`.
        clippers: The policy with its state and last report, by the optimizer's place.

    Example:
        >>> class Model(ClippingModule):
        ...     clip = "zclip"
    """

    clip: object = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clippers: dict[int, Clipper] = {}
        self._stepping: dict[int, torch.optim.Optimizer] = {}
        self._named: dict[int, NamedParameters] = {}

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradients of an optimizer that is about to step.

        Args:
            optimizer: The optimizer.
            gradient_clip_val: The trainer's threshold, which is not used.
            gradient_clip_algorithm: The trainer's way to clip, which is not used.

        Raises:
            NonFiniteGradientError: Too many steps in a row were skipped.
        """
        del gradient_clip_algorithm
        optimizers = self.trainer.optimizers
        place = [id(o) for o in optimizers].index(id(optimizer))
        if self._stepping.get(place) is not optimizer:
            self._begin(place, optimizer, gradient_clip_val)
        parameters, names = self._named[place].read()
        report = clip_or_hide(self._clipper(place), list(zip(names, parameters, strict=True)))
        _log(self, report, place if len(optimizers) > 1 else None)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put what the policy has learned into a checkpoint."""
        checkpoint[_KEY] = {place: c.state_dict() for place, c in self.clippers.items()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it over."""
        for place, saved in checkpoint.get(_KEY, {}).items():
            self._clipper(place).load_state_dict(saved)

    def _begin(
        self, place: int, optimizer: torch.optim.Optimizer, gradient_clip_val: float | None
    ) -> None:
        """Get to know an optimizer at the first step of a fit."""
        check_whole(type(self.trainer.strategy).__name__)
        _warn_of_a_value_not_used(gradient_clip_val)
        self._stepping[place] = optimizer
        self._named[place] = NamedParameters(optimizer, self)

    def _clipper(self, place: int) -> Clipper:
        """Return the clipper of an optimizer."""
        if place not in self.clippers:
            self.clippers[place] = Clipper(self.clip)
        return self.clippers[place]


def _log(module: pl.LightningModule, report: Report, place: int | None) -> None:
    """Log a step, unless the trainer was asked for nothing but training."""
    if not module.trainer.barebones:
        suffix = "" if place is None else f"/{place}"
        module.log_dict(measures(report, suffix), on_step=True, on_epoch=False)


def _said_that_it_clips_twice(trainer: pl.Trainer, module: pl.LightningModule) -> bool:
    """Warn if gradients are clipped before the policy gets them, and tell whether they are."""
    if trainer.gradient_clip_val:
        option = f"Trainer(gradient_clip_val={trainer.gradient_clip_val})"
    elif not type(module).configure_gradient_clipping.__module__.endswith(".core.module"):
        option = f"{type(module).__name__}.configure_gradient_clipping"
    else:
        return False
    msg = f"Gradients are clipped twice, by {option} first. Remove it to leave it to the policy."
    warnings.warn(msg, stacklevel=3)
    return True


def _warn_of_a_value_not_used(gradient_clip_val: float | None) -> None:
    """Warn of a threshold that the trainer was given."""
    if gradient_clip_val:
        msg = f"Trainer(gradient_clip_val={gradient_clip_val}) is not used: `clip` replaces it."
        warnings.warn(msg, stacklevel=2)


def _check_number(saved: list[dict[str, Any]], attached: list[Attached]) -> None:
    """Raise unless a checkpoint has a state for each optimizer.

    Raises:
        ConfigurationError: It has not.
    """
    if len(saved) != len(attached):
        msg = (
            "A checkpoint must have clipped as many optimizers as there are, got one of "
            f"{len(saved)} for {len(attached)}."
        )
        raise ConfigurationError(msg)

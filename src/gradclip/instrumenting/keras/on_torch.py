"""Keras' optimizers on PyTorch, which runs them at once."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch

from gradclip.core.statistics import Statistics
from gradclip.instrumenting.keras.clips import Clips
from gradclip.instrumenting.keras.followed import Followed
from gradclip.instrumenting.keras.follower import Gradients, part_of
from gradclip.instrumenting.losses import Losses
from gradclip.instrumenting.rounds import Part
from gradclip.instrumenting.session import Session
from gradclip.torch.namespace import TorchNamespace


class OnTorch:
    """The `Backend` for PyTorch.

    Args:
        clips: What the program clipped by itself.
    """

    def __init__(self, clips: Clips) -> None:
        self._clips = clips
        self._verbs = TorchNamespace()

    def eager(self, gradients: Sequence[Any]) -> bool:
        """Tell whether gradients are there."""
        del gradients
        return True

    def see(self, gradients: Gradients, losses: Losses) -> Part | None:
        """Look at gradients; return what was seen."""
        followed, rate = gradients.followed, gradients.learning_rate
        came, limit = self._clips.take(gradients.before)
        found = came or self._verbs.statistics(gradients.before).columns
        same = gradients.after is gradients.before and came is None
        loss = losses.take(_readable)
        return Part(
            optimizer=followed.kind,
            parameters=followed.parameters,
            before=found[0],
            after=found[0] if same else self._verbs.norms(gradients.after),
            statistics=Statistics(None, *found),
            limit=gradients.limit if came is None else limit,
            skipped=gradients.skipped,
            loss=followed.mean_loss(None if loss is None else float(loss)),
            learning_rate=None if rate is None else float(rate),
        )

    def tell(self, followed: Followed, report: Any, rate: Any, losses: Losses) -> Part | None:
        """Return what a report of gradclip's says."""
        loss = losses.take(_readable)
        numbers = [None if number is None else float(number) for number in (loss, rate)]
        return part_of(followed, report, *numbers)

    def pass_by(self, followed: Followed, losses: Losses) -> None:
        """Keep the loss of a batch whose gradients are accumulated."""
        loss = losses.take(_readable)
        followed.keep_loss(None if loss is None else float(loss))


def watch_backward(session: Session, losses: Losses, clips: Clips) -> None:
    """Be told of each loss that is differentiated.

    Args:
        session: The session.
        losses: Where losses go.
        clips: What forgets then what was clipped before.
    """
    backward = torch.Tensor.backward

    @functools.wraps(backward)
    def told(self: torch.Tensor, *args: Any, **kwargs: Any) -> None:
        backward(self, *args, **kwargs)  # type: ignore[no-untyped-call]  # torch's
        with session.ours():
            clips.forget()
            losses.add(self)

    torch.Tensor.backward = told  # type: ignore[method-assign]  # a method as that one is


def out_of_graphs(function: Callable[..., Any]) -> Callable[..., Any]:
    """Have compilers leave a function to Python; uncompiled it costs nothing."""
    apart = torch.compiler.disable(function)  # type: ignore[no-untyped-call]  # torch's

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        return (
            apart(*args, **kwargs) if torch.compiler.is_compiling() else function(*args, **kwargs)
        )

    return called


def _readable(loss: Any) -> bool:
    return isinstance(loss, torch.Tensor) and loss.numel() == 1

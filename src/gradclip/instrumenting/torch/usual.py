"""Steps that are like the one before: most are, and least is made of them where training runs."""

import math
from typing import Any
from weakref import ref

from torch import Tensor
from torch.optim import Optimizer

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.arrivals import watches
from gradclip.instrumenting.torch.looking import Found
from gradclip.instrumenting.torch.optimizers import Trained
from gradclip.instrumenting.torch.rounds import Part, Summary
from gradclip.torch.guards import within_backward
from gradclip.torch.hooks import Arguments, Keywords

_MOST = 50  # steps after which one is looked at in full


class Usual:
    """Steps of one optimizer that gets plain gradients of one loss, as they came.

    Training leaves nothing in the caches of what hooks need: each object that one touches costs as
    much as what it does. Where the steps before were of this kind, the next ones are taken here,
    until something else is to be done or seen.

    Args:
        session: Where the steps go.

    Attributes:
        left: How many steps there may be before one that needs more.
        loss: What has been differentiated for the next one; None if nothing has.
    """

    def __init__(self, session: Session) -> None:
        self.left = 0
        self.loss: float | None = None
        self._session = session
        self._recorder: Any = None
        self._optimizer: ref[Optimizer] | None = None
        self._trained: ref[Trained] | None = None
        self._part: Part | None = None  # of the step under way

    def expect(self, optimizer: Optimizer, part: Part) -> None:
        """Expect steps, if one that was taken is of this kind.

        Args:
            optimizer: The only one that there is.
            part: Its part in the step.
        """
        plain = type(part.before) is Found and part.after is part.before and part.limit == math.inf
        if not plain or part.report is not None or part.skipped is not False:
            return
        self._recorder = self._session.recorder
        self._optimizer, self._trained = ref(optimizer), ref(part.trained)
        self.left = self._num_coming()

    def leave(self) -> float | None:
        """Expect no more steps, and return the loss that the next one has already."""
        loss, self.loss = self.loss, None
        self.left, self._part = 0, None
        return loss

    def backward(self, tensors: Any, gradients: Any) -> bool:
        """Keep the loss of a call of `backward`, and return whether that is all there is to do."""
        if not (
            self.left
            and self.loss is None
            and gradients is None
            and type(tensors) is Tensor
            and tensors.is_cpu
            and tensors.numel() == 1
            and not within_backward()
        ):
            return False
        try:
            self.loss = tensors.item()
        except Exception:  # noqa: BLE001 - who does all there is to do says so
            return False
        return True

    def begin(self, optimizer: Optimizer, args: Arguments, kwargs: Keywords) -> bool:
        """Look at the gradients of a step, and return whether it is such a step."""
        self._part = None
        if (
            not self.left
            or self.loss is None
            or kwargs
            or len(args) > 1  # a closure
            or self._session.recorder is not self._recorder
            or optimizer._optimizer_step_pre_hooks  # noqa: SLF001 - there is no other list
        ):
            return False
        with self._session.ours():
            trained = self._trained_by(optimizer)
            seen = None if trained is None else trained.look()
            if type(seen) is Found and trained is not None:
                self._part = Part(
                    trained=trained, names=trained.names, before=seen, after=seen, loss=self.loss
                )
                self.loss = None
        return self._part is not None

    def end(self, optimizer: Optimizer) -> bool:
        """Record a step that was begun here.

        Args:
            optimizer: What has stepped.

        Returns:
            Whether one was.

        Raises:
            StopTraining: It was the last one that was asked for.
        """
        part = self._part
        if part is None:
            return False
        session = self._session
        with session.ours():
            self._part = None
            self.left -= 1
            part.learning_rate = rate = optimizer.param_groups[0].get("lr")
            session.record(Summary([part]), loss=part.loss, learning_rate=rate)
        session.end_step()
        return True

    def _num_coming(self) -> int:
        """Return how many of the next steps need no more than such steps do."""
        session = self._session
        if session.settings.every > 1:
            return 0
        coming = range(session.steps, session.steps + _MOST)
        full = (n for n in coming if session.is_measured(n) or watches(n))
        return next(full, coming.stop) - session.steps

    def _trained_by(self, optimizer: Optimizer) -> Trained | None:
        """Return what an optimizer trains, if that is what is expected."""
        known = None if self._optimizer is None else self._optimizer()
        trained = None if self._trained is None else self._trained()
        if known is not optimizer or trained is None or trained.refresh():
            return None
        return trained

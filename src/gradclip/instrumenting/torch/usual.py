"""Steps that are like the one before: most are, and least is made of them where training runs."""

import math
from typing import Any, NamedTuple
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


class Begun(NamedTuple):
    """What is known of a step before its optimizer is asked to take it.

    Attributes:
        trained: What it trains.
        loss: What was differentiated for it.
        came: What the gradients were before they were clipped; None if they were not.
        limit: The threshold that they were clipped by; inf if they were not, NaN if by several.
    """

    trained: Trained | None
    loss: float
    came: Found | None
    limit: float


class Usual:
    """Steps of one optimizer that gets plain gradients of one loss, clipped by limits or not.

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
        self._came: Found | None = None  # what is clipped on the way to the next one,
        self._limit: float = math.inf  # and by how much
        self._part: Part | None = None  # of the step under way

    def expect(self, optimizer: Optimizer, part: Part) -> None:
        """Expect steps, if one that was taken is of this kind.

        Args:
            optimizer: The only one that there is, whose gradients no policy clips.
            part: Its part in the step.
        """
        plain = type(part.before) is Found and type(part.after) is Found
        if not plain or part.skipped is not False:
            return
        clipped = isinstance(part.limit, float | int) and math.isfinite(part.limit)
        if not (clipped or part.after is part.before):  # it is changed by hand
            return
        self._recorder = self._session.recorder
        self._optimizer, self._trained = ref(optimizer), ref(part.trained)
        self.left = self._num_coming()

    def leave(self) -> Begun | None:
        """Expect no more steps, and return what is known already of the next one."""
        begun = None
        if self.loss is not None:
            trained = None if self._trained is None else self._trained()
            begun = Begun(trained, self.loss, self._came, self._limit)
        self.left, self._part = 0, None
        self._begin_anew()
        return begun

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

    def clip(self, parameters: list[Tensor], limit: Any) -> bool:
        """Look at gradients before they are clipped.

        Args:
            parameters: Whose gradients they are.
            limit: What they are clipped by.

        Returns:
            Whether that is all there is to do.
        """
        if not self.left or self.loss is None or not isinstance(limit, float | int):
            return False
        if not math.isfinite(limit):
            return limit == math.inf  # who only measures
        with self._session.ours():
            optimizer = None if self._optimizer is None else self._optimizer()
            trained = None if optimizer is None else self._trained_by(optimizer)
            if trained is None or not trained.trains(set(map(id, parameters))):
                return False
            if self._came is not None:
                self._limit = limit if limit == self._limit else math.nan
                return True
            seen = trained.look()
            if type(seen) is Found:
                self._came, self._limit = seen, limit
        return self._came is not None

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
                    trained=trained,
                    names=trained.names,
                    before=seen if self._came is None else self._came,
                    after=seen,
                    limit=self._limit,
                    loss=self.loss,
                )
                self._begin_anew()
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

    def _begin_anew(self) -> None:
        """Forget what was known of a step."""
        self.loss = self._came = None
        self._limit = math.inf

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

"""What PyTorch's hooks tell of a program that trains, made into steps of a run."""

from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.arrivals import Arrivals
from gradclip.instrumenting.torch.compiled import CompiledSteps
from gradclip.instrumenting.torch.graphs import Graphs
from gradclip.instrumenting.torch.loops import Loops, parameters_of
from gradclip.instrumenting.torch.losses import Losses
from gradclip.instrumenting.torch.optimizers import Fleet, Trained, unwrapped
from gradclip.instrumenting.torch.policies import Policies
from gradclip.instrumenting.torch.rounds import Part, Round, numbers, summary
from gradclip.instrumenting.torch.stepping import Stepping
from gradclip.instrumenting.torch.usual import Usual
from gradclip.torch.guards import within_backward
from gradclip.torch.hooks import Arguments, Closure, Keywords, Nesting, closure_of, with_closure

FRAMEWORK = "torch"
_OURS = frozenset({None, FRAMEWORK})


class Follower:
    """Follow the optimizers of a process.

    Args:
        session: Where the steps go.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._fleet = Fleet()
        self._losses = Losses()
        self._arrivals = Arrivals(session, self._fleet, self._is_due)
        self._policies = Policies(session)
        self._loops = Loops(session, self._fleet, self._arrivals, self._losses)
        self._compiled = CompiledSteps(
            session, self._fleet, self._loops, self._arrivals, self._losses
        )
        self._graphs = Graphs(session)
        self._nesting = Nesting()
        self._round = Round()
        self._usual = Usual(session)
        self._stepping: Stepping | None = None
        self._stepped = False  # since a GradScaler was asked to
        self._version = 0  # of the names in the run
        session.before_close(self._close_last)

    @property
    def silent(self) -> bool:
        """Whether nobody asks, or another framework's hooks tell of this training."""
        session = self._session
        return session.closed or session.framework not in _OURS

    def optimizer_made(self, optimizer: Optimizer, *_: Any, **__: Any) -> None:
        """Get to know an optimizer."""
        with self._session.ours("An optimizer could not be seen"):
            self._leave_usual()
            self._fleet.add(optimizer)

    def before_step(
        self, optimizer: Optimizer, args: Arguments, kwargs: Keywords
    ) -> tuple[Arguments, Keywords] | None:
        """Look at the gradients that a step is about to read, or have its closure do so."""
        if self.silent or not self._nesting.enter():
            return None
        if self._usual.begin(optimizer, args, kwargs):
            return None
        with self._session.ours():
            self._leave_usual()
            stepping = self._begin_step(optimizer)
            closure = closure_of(args, kwargs)
            if closure is not None:
                return with_closure(args, kwargs, self._watched(closure, stepping))
            stepping.gradients(self._arrivals, self._losses.take())
        return None

    def after_step(self, optimizer: Optimizer, *_: object) -> None:
        """Record a step that an optimizer has taken."""
        if self.silent or not self._nesting.leave() or self._usual.end(optimizer):
            return
        stepping, self._stepping = self._stepping, None
        if stepping is None:
            return
        part, full = None, False
        with self._session.ours():
            self._losses.take()  # what a closure differentiated after its first call
            part = stepping.end(self._arrivals)
            if part is not None and self._graphs.capturing:
                self._graphs.add(part)
                return
            self._add(part)
            full = self._is_full()
            if full:
                self._record()
        if full:
            self._session.end_step()
        if full and part is not None and stepping.policy is None and self._fleet.distinct() == 1:
            self._usual.expect(optimizer, part)

    def after_backward(self, tensors: Any, grad_tensors: Any = None, *_: Any, **__: Any) -> None:
        """Keep the loss that `torch.autograd.backward` was called on."""
        if self.silent or self._usual.backward(tensors, grad_tensors) or within_backward():
            return
        with self._session.ours("The loss could not be seen"):
            self._leave_usual()
            if self._graphs.capturing:
                self._losses.add(tensors, grad_tensors)
                return
            left_out = self._loops.backward()
            if left_out is not None:
                self._close_with(left_out)
            self._losses.add(tensors, grad_tensors)
            if not self._round.within_backward:
                self._arrivals.backward(self._losses)
        if self._round.within_backward:
            self._close_backward()

    def before_clip(self, parameters: list[Tensor], limit: Any) -> None:
        """Look at gradients that the program is about to clip."""
        if self.silent or self._usual.clip(parameters, limit):
            return
        with self._session.ours("Gradients could not be seen before they were clipped"):
            self._leave_usual()
            self._arrivals.clip(parameters, limit)

    def before_zero_grad(self, owner: Any, *_: Any, **__: Any) -> None:
        """Record a step that no optimizer tells of, if gradients that are cleared end one."""
        self._leave_usual_begun()
        if self.silent or not (self._loops.pending or self._arrivals.some):
            return
        if self._graphs.capturing:
            return
        ended = None
        with self._session.ours():
            ended = self._loops.clear(owner) if self._loops.pending else None
            self._arrivals.clear(parameters_of(owner))
        self._close_with(ended)

    def before_compiled(self) -> Any:
        """Watch what a compiled function may train; return None where there is nothing."""
        self._leave_usual_begun()
        if self.silent or not self._loops.pending:
            return None
        with self._session.ours():
            return self._compiled.before()
        return None

    def after_compiled(self, watched: Any) -> bool:
        """Record what a compiled function has trained; return whether it has."""
        if not self._loops.pending:  # hooks have told
            return True
        parts: list[Part] = []
        with self._session.ours():
            parts = self._compiled.after(watched)
        self._add_all(parts)
        return bool(parts)

    def before_capture(self, graph: Any, *_: Any, **__: Any) -> None:
        """Be told of a CUDA graph that is going to be captured."""
        with self._session.ours():
            self._leave_usual()
            self._losses.take()
            self._graphs.begin(graph)

    def after_capture(self, *_: Any, **__: Any) -> None:
        """Be told that it has been."""
        self._losses.take()
        self._graphs.end()

    def after_replay(self, graph: Any, *_: Any, **__: Any) -> None:
        """Record the steps that a CUDA graph holds."""
        if self.silent:
            return
        parts: list[Part] = []
        with self._session.ours():
            parts = self._graphs.replayed(graph)
        if parts:  # many graphs hold none, and some are replayed within backward
            self._add_all(parts)

    def after_scale(self, scaler: Any, *_: Any, **__: Any) -> None:
        """Remember what multiplies losses."""
        if scaler.is_enabled():
            self._leave_usual()
            self._losses.scaled_by(scaler)

    def before_scaler_step(self, *_: Any, **__: Any) -> None:
        """Begin to see whether a GradScaler lets an optimizer step."""
        self._stepped = False

    def after_scaler_step(self, scaler: Any, optimizer: Any, *_: Any, **__: Any) -> None:
        """Record a step that a GradScaler did not let an optimizer take."""
        own = unwrapped(optimizer)
        if self.silent or self._stepped or own is None or not scaler.is_enabled():
            return
        with self._session.ours():
            stepping = self._begin_step(own)
            self._add(stepping.dropped(self._arrivals, self._losses.take()))
        self._stepping = None
        self._close_full_round()

    def _leave_usual(self) -> None:
        """Take steps one by one again, beginning with what is known of the next one."""
        begun = self._usual.leave()
        if begun is not None:
            self._loops.backward()
            self._losses.add_number(begun.loss)
            self._arrivals.backward(self._losses)
            if begun.trained is not None and begun.came is not None:
                self._arrivals.clipped(begun.trained, begun.came, begun.limit)

    def _leave_usual_begun(self) -> None:
        """Do that if something is known of the next one."""
        if self._usual.loss is not None:
            with self._session.ours():
                self._leave_usual()

    def _begin_step(self, optimizer: Optimizer) -> Stepping:
        """Return a step that begins.

        Raises:
            StopTraining: The step before was the last one that was asked for.
        """
        self._stepped = True
        self._stepping = None
        self._loops.stepped()
        trained = self._fleet.of(optimizer)
        if self._graphs.capturing:
            self._stepping = Stepping(optimizer, trained, None, due=True, measured=False)
            return self._stepping
        if self._round.holds(trained):
            self._close_round()
        policy = self._policies.of(optimizer, trained)
        due = self._session.due
        measured = due and self._session.wants_update
        stepping = Stepping(optimizer, trained, policy, due=due, measured=measured)
        self._stepping = stepping
        return stepping

    def _is_due(self, trained: Trained) -> bool:
        """Tell whether the next step of an optimizer is to be recorded."""
        if self._graphs.capturing:
            return True
        number = self._session.steps + self._round.holds(trained)
        return number % self._session.settings.every == 0

    def _watched(self, closure: Closure, stepping: Stepping) -> Closure:
        """Return a closure that has its gradients looked at."""

        def watched() -> Any:
            loss = closure()
            with self._session.ours():
                stepping.evaluated(self._arrivals, self._losses.take())
            return loss

        return watched

    def _add(self, part: Part | None) -> None:
        """Add an optimizer's part to the step of training."""
        if part is not None:
            self._round.parts.append(part)

    def _add_all(self, parts: list[Part]) -> None:
        """Add parts of steps that hooks did not see, and end each step that is whole."""
        for part in parts:
            if self._round.holds(part.trained):
                self._close_round()
            self._add(part)
        self._close_full_round()

    def _close_full_round(self) -> None:
        """End the step of training if every optimizer has had its part in it."""
        if self._is_full():
            self._close_round()

    def _is_full(self) -> bool:
        """Tell whether every optimizer has had its part; within backward, that is not known."""
        if within_backward():
            self._round.within_backward = True
            return False
        return 0 < self._fleet.distinct() <= len(self._round.parts)

    def _close_backward(self) -> None:
        """End a step that optimizers took within a call of `backward`."""
        with self._session.ours():
            self._loops.stepped()
            self._round.parts[0].loss = self._losses.take()
        self._close_round()

    def _close_with(self, part: Part | None) -> None:
        """End the step of training with a part that no hook of an optimizer told of."""
        if part is not None:
            self._add(part)
            self._close_round()

    def _close_last(self) -> None:
        """End the step under way, as the program ends."""
        if self.silent:
            return
        last = None
        with self._session.ours():
            self._leave_usual()
            last = self._loops.last()
        self._add(last)
        self._close_round()

    def _close_round(self) -> None:
        """Record what the optimizers have done since the last step."""
        if not self._round.parts:
            return
        with self._session.ours():
            self._record()
        self._session.end_step()

    def _record(self) -> None:
        """Record the parts of the step under way, which are those of the next one no more."""
        parts = self._round.take()
        self._begin()
        if self._session.due:
            self._session.record(summary(parts), **numbers(parts))

    def _begin(self) -> None:
        """Open a run, or another one where there are parameters that the last one lacks."""
        begun = self._session.framework is not None
        if begun and self._version == self._fleet.version:
            return
        if begun:
            self._session.say(
                f"At step {self._session.steps} there were new parameters to train: "
                "a run of their own begins there."
            )
        self._version = self._fleet.version
        placement = self._fleet.placement
        self._session.begin(
            FRAMEWORK,
            self._fleet.named(),
            optimizer=self._fleet.describe(),
            policy=self._arrivals.policy,
            rank=placement.rank,
            world=placement.world,
            sharded=placement.sharded,
        )

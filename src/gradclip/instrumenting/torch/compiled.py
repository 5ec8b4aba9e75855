"""Steps within compiled functions, in which hooks are not called: seen from around the call."""

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.arrivals import Arrivals
from gradclip.instrumenting.torch.loops import Loops
from gradclip.instrumenting.torch.losses import Losses
from gradclip.instrumenting.torch.optimizers import Fleet, Trained
from gradclip.instrumenting.torch.rounds import Part
from gradclip.instrumenting.torch.stepping import Stepping

_NOT_CLIPPED = (
    "--clip is not applied to steps within torch.compile, which are compiled as they are. Call "
    "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0) before the compiled function."
)


class CompiledSteps:
    """Look at gradients before compiled functions are called, and at what has changed after.

    Args:
        session: Where the steps go.
        fleet: The optimizers.
        loops: What knows whether there are gradients that no step has got.
        arrivals: What is known of gradients as they came.
        losses: What was differentiated.
    """

    def __init__(
        self, session: Session, fleet: Fleet, loops: Loops, arrivals: Arrivals, losses: Losses
    ) -> None:
        self._session = session
        self._fleet = fleet
        self._loops = loops
        self._arrivals = arrivals
        self._losses = losses

    def before(self) -> list[tuple["_Watched", Stepping]]:
        """Return what could step, and begin to watch it."""
        found = []
        due, measured = self._session.due, self._session.wants_update
        for trained in self._fleet.all():
            optimizer = trained.optimizer
            if optimizer is not None and any(p.grad is not None for p in trained.parameters):
                known = self._fleet.of(optimizer)
                stepping = Stepping(optimizer, known, None, due=due, measured=measured)
                stepping.gradients(self._arrivals, None)
                found.append((_Watched(known), stepping))
        return found

    def after(self, watched: list[tuple["_Watched", Stepping]]) -> list[Part]:
        """Return the parts of the optimizers that have stepped."""
        ended = [stepping.end(self._arrivals) for one, stepping in watched if one.has_changed()]
        parts = [part for part in ended if part is not None]
        if parts:
            parts[0].loss = self._losses.take()
            self._loops.stepped()
            if self._session.settings.clip is not None:
                self._session.say(_NOT_CLIPPED)
        return parts


class _Watched:
    """Parameters that may be changed by a call."""

    def __init__(self, trained: Trained) -> None:
        self._trained = trained
        self._versions = self._read()

    def has_changed(self) -> bool:
        """Tell whether they have been written to."""
        return self._read() != self._versions

    def _read(self) -> list[int]:
        return [p._version for p in self._trained.parameters]  # noqa: SLF001 - there is no other

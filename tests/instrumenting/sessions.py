"""Sessions filled by hand, as a framework's hooks fill them."""

import numpy as np

from gradclip.instrumenting.observation import Observation
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.settings import Settings

PARAMETERS = [("w1", np.zeros((2, 3))), ("b1", np.zeros(3)), ("w2", np.zeros((3, 1)))]


def filled(out, steps, *, notes=(), policy=None, rank=0, **settings):
    """A closed session with a run of some steps, each a mapping of what `record` takes.

    `before` and `after` are the norms of the three tensors.
    """
    session = Session(Settings(out=str(out), **settings))
    session.begin("torch", PARAMETERS, optimizer="SGD", policy=policy, rank=rank)
    for step in steps:
        with session.ours():
            if session.due:
                session.record(_observed(step), loss=step.get("loss"))
        session.end_step()
    for note in notes:
        session.say(note)
    session.close()
    return session


def _observed(step):
    before = np.array(step["before"], dtype=np.float64)
    return Observation(
        names=tuple(name for name, _ in PARAMETERS),
        parts_before=before,
        parts_after=np.array(step["after"], dtype=np.float64) if "after" in step else before,
        skipped=step.get("skipped", False),
    )

"""Ends a program after the steps that were asked for, or a notebook's cell."""

import importlib
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradclip.instrumenting.session import Session

_PATIENCE = 3  # times that a program may catch what is to end it
_CAUGHT = (
    "The program caught what was to end it after {} steps, and went on; it was let go after step "
    "{}. Have `except:` or `except BaseException` around the training step let SystemExit pass."
)


class StopTraining(SystemExit):
    """Ends the program after the steps that were asked for, with exit status 0."""

    def __str__(self) -> str:
        return "this was the last step that was asked for"


def stop(session: "Session") -> None:
    """End the program; one that catches that again and again goes on, and its run ends.

    In IPython and its notebooks the program is what a cell runs: its run ends with it.

    Args:
        session: Whose last step that was asked for, or one after it, has been counted.

    Raises:
        StopTraining: The program is not let go.
    """
    session.stops += 1
    if session.stops > _PATIENCE:
        session.say(_CAUGHT.format(session.settings.steps, session.steps - 1))
        session.close()
        return
    if importlib.import_module("gradclip.record.program").shell() is not None:
        warnings.filterwarnings("ignore", "To exit: use 'exit'", UserWarning)  # it is no way out
        session.close()
    raise StopTraining(0)

"""Calls a function as soon as a framework has been imported, and never imports one."""

import importlib
from types import ModuleType

import wrapt

from gradclip.instrumenting.session import Session

# A framework's module -> what of ours instruments it, by `install(session)`.
FRAMEWORKS = {
    "torch": "gradclip.instrumenting.torch",
    "keras": "gradclip.instrumenting.keras",
    "tensorflow": "gradclip.instrumenting.tensorflow",
    "jax": "gradclip.instrumenting.jax",
    "optax": "gradclip.instrumenting.optax",
}


def follow(session: Session) -> None:
    """Instrument each framework when the program imports it, at once where it has.

    Whatever goes wrong in that is said at the end, and the import succeeds.

    Args:
        session: What the framework's hooks tell what they see.
    """
    for name, room in FRAMEWORKS.items():
        wrapt.register_post_import_hook(_Install(session, room), name)


class _Install:
    """What is called when a framework has been imported."""

    def __init__(self, session: Session, room: str) -> None:
        self._session = session
        self._room = room

    def __call__(self, module: ModuleType) -> None:
        del module
        with self._session.ours(f"{self._room} could not be set up"):
            importlib.import_module(self._room).install(self._session)

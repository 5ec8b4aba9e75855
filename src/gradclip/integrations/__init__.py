"""Trainers that own the loop: `lightning`, `transformers` and `accelerate`.

Each module is loaded when it is first asked for, and needs the trainer that it is named after.
"""

import importlib
from types import ModuleType

from gradclip.errors import MissingFrameworkError

_TRAINERS = ("accelerate", "lightning", "transformers")
# Package that may be missing -> what to install.
_INSTALL = {"pytorch_lightning": "lightning", **{name: name for name in _TRAINERS}}


def __getattr__(name: str) -> ModuleType:
    """Load a trainer's module when it is first asked for.

    Returns:
        The module.

    Raises:
        MissingFrameworkError: The trainer is not installed.
        AttributeError: There is no such module.
        ModuleNotFoundError: Something else is missing.
    """
    if name not in _TRAINERS:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name not in _INSTALL:
            raise
        package = _INSTALL[error.name]
        msg = f"{__name__}.{name} needs {package}: pip install {package}"
        raise MissingFrameworkError(msg) from error

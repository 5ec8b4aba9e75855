"""Libraries that a few functions need, and that nobody has to have."""

import importlib
from typing import Any

from gradclip.errors import MissingFrameworkError


def optional(module: str, install: str) -> Any:
    """Return a module, imported now.

    Args:
        module: Its name.
        install: What `pip install` is to be given.

    Returns:
        The module.

    Raises:
        MissingFrameworkError: It is not installed; the message says how to.
        ModuleNotFoundError: Something that it needs itself is missing.

    Example:
        >>> optional("no_such_library", "no-such-library")
        Traceback (most recent call last):
        ...
        gradclip.errors.MissingFrameworkError: This needs no_such_library: pip install
        'no-such-library'
    """
    package = module.partition(".")[0]
    try:
        importlib.import_module(package)
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        msg = f"This needs {package}: pip install '{install}'"
        raise MissingFrameworkError(msg) from error

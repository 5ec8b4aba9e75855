"""What is run: a script, a package by `python -m`, or a notebook."""

import os
import sys
from pathlib import Path
from typing import Any

from gradclip.record.schema import Json


def program() -> str:
    """Return what this process runs.

    Example:
        >>> bool(program())
        True
    """
    if in_notebook():
        return notebook()
    script = Path(sys.argv[0])
    module = script.name == "__main__.py"
    return script.absolute().parent.name if module else script.name or "python"


def arguments() -> list[Json]:
    """Return its arguments on the command line; a notebook's are its kernel's, and none."""
    return [] if in_notebook() else list(sys.argv[1:])


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    return getattr(shell(), "kernel", None) is not None


def notebook() -> str:
    """Return the notebook's file as Jupyter or an editor tells it; else just that it is one."""
    editor = vars(sys.modules["__main__"]).get("__vsc_ipynb_file__")
    name = Path(str(editor or os.environ.get("JPY_SESSION_NAME", ""))).name
    return name if name.endswith(".ipynb") else "notebook"


def shell() -> Any:
    """Return IPython's shell that this process is, or a kernel's; None in a plain Python."""
    asked = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return asked() if callable(asked) else None

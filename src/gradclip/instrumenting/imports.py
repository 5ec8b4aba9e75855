"""Has each framework instrumented as soon as the program has imported it, and imports none.

What a program loads that never trains is this module alone.
"""

import atexit
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gradclip.instrumenting.session import Session

FIRST = "GRADCLIP_RUN_PROCESS"  # the variable with the process that was started to be followed
# A framework's module, or one that it loads late -> what of ours instruments it, by `install`.
FRAMEWORKS = {
    "torch": "gradclip.instrumenting.torch",
    "torch.distributed.fsdp": "gradclip.instrumenting.torch.fsdp",
    "keras": "gradclip.instrumenting.keras",
    "tensorflow": "gradclip.instrumenting.tensorflow",
    "jax": "gradclip.instrumenting.jax",
    "optax": "gradclip.instrumenting.optax",
}
# CPython leaves the frames of this file out of the tracebacks of what a module raises.
_UNSEEN = "<frozen importlib._bootstrap>"


class Imports:
    """What stands first on `sys.meta_path`, and watches for the frameworks.

    It finds what the finders behind it find. A framework that is only looked for, as TensorFlow
    looks for Keras, is not instrumented yet.

    Args:
        begin: What makes the session when the first framework has been imported.
        asked: Whether the environment asks for it, which no call within the program overrules.

    Attributes:
        asked: The same.
        session: What the hooks tell what they see; None before.
    """

    def __init__(self, begin: "Callable[[], Session]", *, asked: bool) -> None:
        self.asked = asked
        self.session: Session | None = None
        self._begin = begin
        self._waiting = dict(FRAMEWORKS)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a framework is; None of anything else."""
        if name not in self._waiting:
            return None
        spec = self._found(name, path, target)
        if spec is not None and spec.loader is not None:
            _call_after(spec.loader, lambda: self._install(name))
        return spec

    def settle(self) -> "Session":
        """Begin now, and instrument the frameworks that are imported already."""
        if self.session is None:
            self.session = self._begin()
        for name in list(self._waiting):
            if _is_complete(sys.modules.get(name)):
                self._install(name)
        return self.session

    def miss_nothing(self) -> None:
        """Say, as the first process ends, that there was nothing to follow, if so it was."""
        if self.session is None and is_first() and not hasattr(sys, "last_value"):
            try:
                self._begin().close()
            except Exception as error:  # noqa: BLE001 - the program has done its work
                _say(error)

    def _found(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        """Return what the other finders find."""
        others = (f.find_spec for f in sys.meta_path if f is not self and hasattr(f, "find_spec"))
        return next((spec for find in others if (spec := find(name, path, target))), None)

    def _install(self, name: str) -> None:
        """Instrument a framework, once; whatever goes wrong in that is said at the end."""
        room = self._waiting.pop(name, None)
        if room is None:
            return
        try:
            self.session = self.session or self._begin()
        except Exception as error:  # noqa: BLE001 - the program goes on
            self._waiting.clear()
            _say(error)
            return
        with self.session.ours(f"{room} could not be set up"):
            importlib.import_module(room).install(self.session)


def watch_imports() -> None:
    """Have this process followed as its environment asks, from its first framework on."""
    imports = Imports(_begin, asked=True)
    sys.meta_path.insert(0, imports)
    if is_first():
        atexit.register(imports.miss_nothing)


def is_first() -> bool:
    """Return whether this process is the one that was started to be followed."""
    return os.environ.get(FIRST) == str(os.getpid())


def current() -> Imports | None:
    """Return what watches this process's imports, if anything does."""
    return next((finder for finder in sys.meta_path if isinstance(finder, Imports)), None)


def _call_after(loader: Loader, function: Callable[[], None]) -> None:
    """Call a function when a loader, made for one import, has executed its module."""
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        del loader.exec_module  # the class's own is behind it
        execute(module)
        function()

    exec_module.__code__ = exec_module.__code__.replace(co_filename=_UNSEEN)
    loader.exec_module = exec_module  # type: ignore[method-assign]


def _is_complete(module: ModuleType | None) -> bool:
    """Return whether a module has been imported to its end."""
    return module is not None and not getattr(module.__spec__, "_initializing", False)


def _say(error: Exception) -> None:
    """Say that nobody follows."""
    sys.stderr.write(f"gradclip run: nothing is recorded: {error}\n")


def _begin() -> "Session":
    """Return a session as the process's environment asks for it."""
    session: Session = importlib.import_module(
        "gradclip.instrumenting.following"
    ).session_of_environment()
    return session

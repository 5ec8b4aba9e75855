"""The follower, made when a program begins to train: most that import PyTorch never do.

It needs much of PyTorch that loads in seconds, and that every optimizer loads as well.
"""

import importlib
from collections.abc import Callable
from typing import Any

from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from gradclip.instrumenting.session import Session
from gradclip.instrumenting.torch.around import Function, UncompiledHook

_FOLLOWER = "gradclip.instrumenting.torch.follower"


class Late:
    """A follower that may not be there yet.

    Args:
        session: Where the steps go.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._follower: Any = None
        self._failed = False

    def making(self, name: str, otherwise: Any = None) -> Function:
        """Return a function that calls a method of the follower, which is made if need be.

        Args:
            name: The method.
            otherwise: What is returned if the follower cannot be made.
        """

        def tell(*args: Any, **kwargs: Any) -> Any:
            if self._follower is None and not self._make():
                return otherwise
            return getattr(self._follower, name)(*args, **kwargs)

        return tell

    def once_made(self, name: str) -> Callable[..., None]:
        """Return a function that calls a method of the follower, if there is one.

        Args:
            name: The method.
        """

        def tell(*args: Any, **kwargs: Any) -> None:
            if self._follower is not None:
                getattr(self._follower, name)(*args, **kwargs)

        return tell

    def make(self) -> None:
        """Make the follower now: there may be optimizers already."""
        if self._follower is None:
            self._make()

    def _make(self) -> bool:
        """Make the follower, and return whether there is one."""
        if self._failed:
            return False
        self._failed = True  # unless it goes well
        with self._session.ours("PyTorch could not be followed"):
            follower = importlib.import_module(_FOLLOWER).Follower(self._session)
            register_optimizer_step_pre_hook(UncompiledHook(follower.before_step))
            register_optimizer_step_post_hook(UncompiledHook(follower.after_step))
            self._follower = follower
            self._failed = False
        return not self._failed

"""Optimizers of other frameworks than JAX's, which take gradients of JAX's."""

from typing import TYPE_CHECKING, Any

from gradclip.instrumenting.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable


class Others:
    """Who is told of losses before JAX's own hooks are.

    Args:
        session: The session.

    Attributes:
        take: Takes a loss and its gradients, and tells whether these are another framework's;
            None where there is none.
        train: Takes a loss of another framework's trainer, whose steps are its own.
    """

    def __init__(self, session: Session) -> None:
        del session
        self.take: Callable[[Any, Any], bool] | None = None
        self.train: Callable[[Any], None] | None = None

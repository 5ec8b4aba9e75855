"""What the named methods share."""

from typing import ClassVar

from gradclip.core.arithmetic import State
from gradclip.core.namespace import Array
from gradclip.core.policies.batch import Batch
from gradclip.core.policies.policy import Policy, Verdict


class Method:
    """A policy that is described by its own arguments and carried out by others."""

    __slots__ = ()
    name: ClassVar[str]

    def policy(self) -> Policy:
        """Return what carries it out."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        self.policy()  # which checks the arguments

    def init(self, batch: Batch) -> State:
        """Return the state before the first step."""
        return self.policy().init(batch)

    def update(self, batch: Batch, state: State, step: Array) -> tuple[Batch, Verdict, State]:
        """Return the gradients, what else to do, and the state."""
        return self.policy().update(batch, state, step)

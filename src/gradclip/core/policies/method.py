"""What the named methods share."""

from typing import ClassVar

from gradclip.core.arithmetic import State
from gradclip.core.namespace import Array
from gradclip.core.policies.batch import Batch
from gradclip.core.policies.policy import Policy, Verdict


class Method:
    """A policy that is described by its own arguments and carried out by others."""

    __slots__ = ("_carrier",)
    name: ClassVar[str]
    _carrier: Policy

    def policy(self) -> Policy:
        """Return what carries it out."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        object.__setattr__(self, "_carrier", self.policy())  # which checks the arguments

    def init(self, batch: Batch) -> State:
        """Return the state before the first step."""
        return self._carried_out().init(batch)

    def update(self, batch: Batch, state: State, step: Array) -> tuple[Batch, Verdict, State]:
        """Return the gradients, what else to do, and the state."""
        return self._carried_out().update(batch, state, step)

    def _carried_out(self) -> Policy:
        """Return what carries it out, made once: to check arguments takes longer than to decide."""
        if not hasattr(self, "_carrier"):  # a copy, or from a file: only arguments are kept
            object.__setattr__(self, "_carrier", self.policy())
        return self._carrier

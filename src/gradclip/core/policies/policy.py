"""What a policy is: a rule from the gradients of one step to those that the optimizer gets."""

from typing import NamedTuple, Protocol, runtime_checkable

from gradclip.core.arithmetic import State
from gradclip.core.namespace import Array
from gradclip.core.policies.batch import Batch


class Verdict(NamedTuple):
    """What a policy says of a step besides the gradients."""

    limit: Array  # the limit in force: () or (T,) for each tensor; inf for none, NaN for several
    drop: Array  # whether to drop the step, a bool ()


@runtime_checkable
class Policy(Protocol):
    """Pure functions on an explicit state, traced or called by any framework."""

    def init(self, batch: Batch) -> State:
        """Return the state before the first step, for parameters in place of the gradients."""

    def update(self, batch: Batch, state: State, step: Array) -> tuple[Batch, Verdict, State]:
        """Return the gradients, what else to do, and the state that has seen them.

        Args:
            batch: The gradients.
            state: What `init` or `update` returned before.
            step: The optimizer's steps before this one, wide, ().
        """

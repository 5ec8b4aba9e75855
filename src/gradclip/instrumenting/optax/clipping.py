"""The policy that `gradclip run` was asked for, around the program's outermost transformation."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax

from gradclip.core.policies.report import Report
from gradclip.jax.clipped import Clipped, ClippedState
from gradclip.jax.report import report_of

_INNER = jax.tree_util.GetAttrKey("inner")
_CLIP = jax.tree_util.GetAttrKey("clip")


@jax.tree_util.register_pytree_with_keys_class
class Kept:
    """The program's own state, and behind it what the policy remembers.

    Whatever the program asks of it (`state[0].count`), its own state answers.

    Args:
        state: Both.
    """

    def __init__(self, state: ClippedState) -> None:
        self.state = state

    def tree_flatten_with_keys(self) -> tuple[tuple[tuple[Any, Any], ...], None]:
        """Return both."""
        memory = self.state._replace(inner=None)
        return ((_INNER, self.state.inner), (_CLIP, memory)), None

    @classmethod
    def tree_unflatten(cls, _: None, children: tuple[Any, Any]) -> "Kept":
        """Return it with other leaves."""
        inner, memory = children
        if not isinstance(memory, ClippedState):  # a placeholder, as JAX puts there
            memory = ClippedState(memory, None, None)
        return cls(memory._replace(inner=inner))

    def __getattr__(self, name: str) -> Any:
        if name == "state" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.state.inner, name)

    def __getitem__(self, place: Any) -> Any:
        return self.state.inner[place]

    def __len__(self) -> int:
        return len(self.state.inner)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.state.inner)


class _Inner(NamedTuple):
    """The program's transformation."""

    init: Callable[..., Any]
    update: Callable[..., Any]


class Clipping:
    """One transformation, clipped.

    Args:
        init: The program's own function.
        update: Likewise.
        policy: What clips; non-finite gradients lead to skipped steps, however many.
    """

    def __init__(self, init: Callable[..., Any], update: Callable[..., Any], policy: str) -> None:
        self._clipped = Clipped(_Inner(init, update), policy, max_skipped=None, statistics=True)

    def init(self, params: Any) -> Kept:
        """Return the state before the first step."""
        return Kept(self._clipped.init(params))

    def update(
        self, updates: Any, kept: Kept, params: Any = None, **extra: Any
    ) -> tuple[Any, Kept]:
        """Return the updates and the next state."""
        moved, state = self._clipped.update(updates, kept.state, params, **extra)
        return moved, Kept(state)


def told(kept: Kept) -> Report:
    """Return what the policy did at the last step.

    Args:
        kept: The state after it.
    """
    return report_of(kept.state.clip)

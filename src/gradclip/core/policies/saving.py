"""States of policies in files: as plain lists, whatever reads the file."""

from collections.abc import Callable, Iterator
from typing import Any

from gradclip.core.arithmetic import State
from gradclip.core.namespace import Array
from gradclip.errors import ConfigurationError


def plain(state: State) -> Any:
    """Return a state as nested lists of numbers and arrays.

    Example:
        >>> from gradclip.core.policies.run import PolicyState
        >>> plain(PolicyState(step=3.0, inner=((0.5, 1.0),)))
        [3.0, [[0.5, 1.0]]]
    """
    return [plain(entry) for entry in state] if isinstance(state, tuple) else state


def leaves(state: State) -> Iterator[Any]:
    """Yield the entries of a state.

    Example:
        >>> list(leaves((1.0, (2.0, ()))))
        [1.0, 2.0]
    """
    if isinstance(state, tuple):
        for entry in state:
            yield from leaves(entry)
    else:
        yield state


def restored(template: State, saved: Any) -> State:
    """Return a state that `plain` took apart.

    Args:
        template: A state of the same policy for the same parameters, such as `init` returns.
        saved: What `plain` returned, on whatever device.

    Returns:
        The state; numbers and arrays are those that were saved, and go to where norms are when
        they are used.

    Raises:
        ConfigurationError: It is the state of another policy, or of other parameters.

    Example:
        >>> restored((0.0, (0.0, 0.0)), [3.0, [0.5, 1.0]])
        (3.0, (0.5, 1.0))
    """
    if not isinstance(template, tuple):
        return _entry(template, saved)
    if not isinstance(saved, list | tuple) or len(saved) != len(template):
        raise ConfigurationError(_unlike(template, saved))
    entries = [restored(t, s) for t, s in zip(template, saved, strict=True)]
    return _like(template, entries)


def _entry(template: Any, saved: Any) -> Any:
    """Return a saved entry; the window of a norm that was on a device comes to the host.

    Raises:
        ConfigurationError: One is a window and the other a number.
    """
    if hasattr(template, "shape"):
        return saved
    if isinstance(template, list) and hasattr(saved, "tolist"):
        saved = saved.tolist()
    lengths = [len(x) if isinstance(x, list) else None for x in (template, saved)]
    if lengths[0] != lengths[1]:
        raise ConfigurationError(_unlike(template, saved))
    return saved


def grown(template: State, state: State, extend: Callable[[Array, Array], Array]) -> State:
    """Return a state for the parameters that it had and for new ones after them.

    Args:
        template: The state before the first step for all these parameters.
        state: The state for those that it had.
        extend: Returns an array like its first argument that begins with its second, along the
            last axis.

    Returns:
        The state that goes on for the old parameters and begins for the new ones.

    Raises:
        ConfigurationError: It is the state of another policy.

    Example:
        >>> grown((0.0, (0.0, 0.0)), (7.0, (5.0,)), extend=lambda new, old: old)
        (7.0, (5.0, 0.0))
    """
    if not isinstance(template, tuple):
        return extend(template, state)
    if not isinstance(state, tuple):
        raise ConfigurationError(_unlike(template, state))
    entries = [grown(t, s, extend) for t, s in zip(template, state, strict=False)]
    return _like(template, entries + list(template[len(state) :]))


def _like(template: tuple[Any, ...], entries: list[Any]) -> State:
    """Return entries as a tuple of the template's type."""
    kind: Any = type(template)
    return kind(*entries) if hasattr(template, "_fields") else tuple(entries)


def _unlike(template: State, saved: Any) -> str:
    """Return what is said of a state that does not fit."""
    return (
        "A saved state must be of the same policy for the same parameters, got "
        f"{_shortened(saved)} where there is to be {_shortened(template)}."
    )


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a line's worth

"""Which leaves of a pytree are parameters, by their names."""

from typing import Any

from gradclip.instrumenting.jax.looking import form
from gradclip.instrumenting.jax.seen import Form
from gradclip.jax.names import Named, is_inexact, take_apart


def tensors_of(tree: Any) -> Named:
    """Return a pytree taken apart, without what has no gradient: None, integers, functions.

    Args:
        tree: Gradients, parameters or updates.

    Example:
        >>> tensors_of({"w": 1.0, "activation": None, "step": 3}).names
        ('w',)
    """
    named = take_apart(tree)
    pairs = [(n, x) for n, x in zip(named.names, named.leaves, strict=True) if _is_tensor(x)]
    return Named(tuple(n for n, _ in pairs), [x for _, x in pairs], named.structure)


def forms(named: Named) -> tuple[Form, ...]:
    """Return the shapes and types of parameters.

    Args:
        named: The parameters.
    """
    return tuple(map(form, named.leaves))


def _is_tensor(leaf: Any) -> bool:
    return not callable(leaf) and not isinstance(leaf, str) and is_inexact(leaf)

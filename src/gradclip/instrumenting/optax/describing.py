"""What a transformation is called, and its learning rate where its state tells."""

from collections.abc import Callable, Iterator
from typing import Any

import jax

_SCALING = "scale_by_"
_RATE = "learning_rate"


def maker(update: Callable[..., Any]) -> str:
    """Return the name of the function that made a transformation.

    Args:
        update: The transformation's update.
    """
    name = str(getattr(update, "__qualname__", type(update).__name__))
    return name.split(".", maxsplit=1)[0]


def describe(update: Callable[..., Any]) -> str:
    """Return what a transformation is, in a word: `adam`, not `chain`.

    Args:
        update: Its update.
    """
    links = list(_links(update, 0))
    rules = [name.removeprefix(_SCALING) for name in links if name.startswith(_SCALING)]
    named = [rule for rule in rules if rule not in {_RATE, "schedule"}]
    if not named:
        return "sgd" if rules or {"trace", "scale"} & set(links) else maker(update)
    return "adamw" if named[0] == "adam" and "add_decayed_weights" in links else named[0]


def learning_rate(state: Any) -> Any:
    """Return the learning rate that `optax.inject_hyperparams` keeps in a state, or None."""
    nodes = jax.tree.leaves(state, is_leaf=lambda node: hasattr(node, "hyperparams"))
    rates = (getattr(node, "hyperparams", {}).get(_RATE) for node in nodes)
    return next((rate for rate in rates if rate is not None), None)


def _links(update: Any, depth: int) -> Iterator[str]:
    """Yield the names of what a transformation is made of, found in its functions' closures."""
    if depth > 8 or not callable(update):  # noqa: PLR2004 - no chain is that deep
        return
    update = getattr(update, "__wrapped__", update)
    yield maker(update)
    for cell in getattr(update, "__closure__", None) or ():
        held = cell.cell_contents
        for each in held if isinstance(held, tuple | list) else [held]:
            yield from _links(getattr(each, "update", each if callable(each) else None), depth + 1)

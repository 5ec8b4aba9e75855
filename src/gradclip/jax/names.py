"""Names of parameters, from their places in a pytree."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

ALONE = "params"  # the name of parameters that are one array


class Named(NamedTuple):
    """A pytree of gradients or parameters taken apart."""

    names: tuple[str, ...]
    leaves: list[Any]  # in the order of the names; None where there is nothing
    structure: Any

    @property
    def tensors(self) -> list[Array | None]:
        """The leaves that can be clipped, None in place of integers."""
        return [leaf if is_inexact(leaf) else None for leaf in self.leaves]

    def rebuild(self, tensors: list[Array | None]) -> Any:
        """Return the pytree with other tensors in place of these, integers as they are."""
        pairs = zip(tensors, self.leaves, strict=True)
        leaves = [old if new is None else new for new, old in pairs]
        return jax.tree.unflatten(self.structure, leaves)


def take_apart(tree: Any) -> Named:
    """Return a pytree taken apart; None is a leaf, `optax.MaskedNode` is none.

    Returns:
        Names, leaves and structure.

    Example:
        >>> take_apart({"dense": {"kernel": 1.0, "bias": None}, "blocks": [2.0]}).names
        ('blocks.0', 'dense.bias', 'dense.kernel')
    """
    paths, structure = jax.tree_util.tree_flatten_with_path(tree, is_leaf=_is_none)
    return Named(tuple(name_of(path) for path, _ in paths), [x for _, x in paths], structure)


def name_of(path: tuple[Any, ...]) -> str:
    """Return a parameter's name: the keys that lead to it, with dots between.

    Flax's variables hold their array as `value`, which is no part of the name.

    Args:
        path: A path as `jax.tree_util.tree_flatten_with_path` has it.
    """
    if len(path) > 1 and isinstance(path[-1], jax.tree_util.GetAttrKey) and _text(path) == "value":
        path = path[:-1]
    return ".".join(_text(path[: i + 1]) for i in range(len(path))) or ALONE


def is_inexact(leaf: Any) -> bool:
    """Tell whether a leaf is a number or an array of floating or complex numbers."""
    if leaf is None or getattr(leaf, "dtype", None) == jax.dtypes.float0:
        return False
    return bool(jnp.issubdtype(jax.dtypes.result_type(leaf), jnp.inexact))


def _text(path: tuple[Any, ...]) -> str:
    """Return the last key of a path as text."""
    key = path[-1]
    for attribute in ("key", "idx", "name"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute)).replace("\n", " ")
    return str(key)


def _is_none(node: Any) -> bool:
    return node is None


def sealed(tree: Any, names: tuple[str, ...]) -> Any:
    """Return names in a form that JAX takes for structure, and checkpoints for a dictionary.

    Args:
        tree: The parameters. `optax.tree_utils.tree_map_params` asks with a placeholder for
            them, which is then returned.
        names: Their names.

    Example:
        >>> jax.tree.leaves(sealed({"b": 1.0, "w": 2.0}, ("b", "w")))
        []
    """
    if type(tree).__name__ == "_ParamsPlaceholder":
        return tree
    return {"\n".join(names): None}


def opened(names: Any) -> tuple[str, ...]:
    """Return the names that were sealed.

    Example:
        >>> opened(sealed({"b": 1.0, "w": 2.0}, ("b", "w")))
        ('b', 'w')
    """
    (joined,) = names
    return tuple(joined.split("\n")) if joined else ()

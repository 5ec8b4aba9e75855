"""Pytrees of gradients: taken apart once, put together again."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import jax

from gradclip.core.namespace import Leaves
from gradclip.core.sequences import read_once


def flatten_tree(t_list: Any) -> Leaves:
    """Take a pytree apart, None being a leaf without a gradient.

    Args:
        t_list: A pytree, a single array too. An iterable that JAX does not know as one (a
            generator, a view of a dictionary) is read once and comes back as a list.

    Returns:
        Its leaves, labelled by their path.

    Raises:
        GradientTypeError: It is text.
    """
    if _is_other_iterable(t_list):
        t_list = read_once(t_list)
    paths, structure = jax.tree_util.tree_flatten_with_path(t_list, is_leaf=_is_none)
    labels = ["t_list" + jax.tree_util.keystr(path) for path, _ in paths]
    return Leaves(
        [leaf for _, leaf in paths], labels, partial(jax.tree_util.tree_unflatten, structure)
    )


def _is_none(node: Any) -> bool:
    return node is None


def _is_other_iterable(t_list: Any) -> bool:
    """Tell whether JAX would take an iterable (a generator, a view, text) for one gradient."""
    whole = jax.tree_util.all_leaves([t_list])
    return whole and isinstance(t_list, Iterable) and not hasattr(t_list, "dtype")

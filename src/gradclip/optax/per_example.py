"""Optax's clipping by example, for differential privacy."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from gradclip.core.decide import decide
from gradclip.core.thresholds import check_threshold
from gradclip.errors import ConfigurationError
from gradclip.jax import measure
from gradclip.jax.compiled import compiled
from gradclip.jax.namespace import JaxNamespace
from gradclip.jax.wide import narrow, widen

_xp = JaxNamespace()


def per_example_global_norm_clip(grads: Any, l2_norm_clip: Any) -> tuple[Any, Array]:
    """Scale each example's gradients down to a common norm, and sum over the examples.

    Args:
        grads: A pytree of gradients, each with the examples along its first axis. Integers are
            taken as floating numbers.
        l2_norm_clip: The largest norm of an example, a number or scalar array >= 0.

    Returns:
        The pytree of sums, without the first axis, each rounded once to its gradient's type; and
        the number of examples that were scaled, int32. An example whose norm is NaN or infinite
        makes all sums NaN (unless the threshold is inf) and is not counted.

    Raises:
        ConfigurationError: The first axes differ or are missing; `l2_norm_clip` is negative or
            NaN.

    Example:
        >>> import jax.numpy as jnp, gradclip.optax
        >>> grads = [jnp.array([[3.0, 4.0], [0.0, 0.5]])]
        >>> gradclip.optax.per_example_global_norm_clip(grads, 2.5)
        ([Array([1.5, 2.5], dtype=float32)], Array(1, dtype=int32))

    References:
        `optax.per_example_global_norm_clip`; Abadi et al., *Deep Learning with Differential
        Privacy*, 2016, arXiv:1607.00133.
    """
    with _xp.precision(None):
        limit = check_threshold("l2_norm_clip", l2_norm_clip, _xp)
        leaves, structure = jax.tree.flatten(grads)
        tensors = [_floating(leaf) for leaf in leaves]
        _check_examples(tensors)
        norms = _norms_by_example(tensors)
        factors = decide(
            norms, math.inf if limit is None else limit, "propagate", _xp.arithmetic(tensors)
        )
        sums = [_scaled_sum(tensor, factors) for tensor in tensors]
        clipped = jnp.sum(factors < 1, dtype=jnp.int32)
    return jax.tree.unflatten(structure, sums), clipped


def per_example_layer_norm_clip(
    grads: Any,
    global_l2_norm_clip: Any,
    uniform: bool = True,  # noqa: FBT001, FBT002 - optax's signature
) -> tuple[Any, Any]:
    """Scale each example's gradients down to a norm by layer, and sum over the examples.

    Args:
        grads: A pytree of gradients, one a layer, each with the examples along its first axis.
        global_l2_norm_clip: The largest norm that all layers of an example have together, C.
        uniform: With K layers, each is clipped to C / sqrt(K); else to C * sqrt(d / D), with d
            of all D parameters.

    Returns:
        The pytree of sums and that of the numbers of examples that were scaled, as of
        `per_example_global_norm_clip` by layer.

    Raises:
        ConfigurationError: As there.

    Example:
        >>> import jax.numpy as jnp, gradclip.optax
        >>> grads = [jnp.array([[3.0], [0.5]]), jnp.array([[4.0], [0.5]])]
        >>> gradclip.optax.per_example_layer_norm_clip(grads, 2.0**0.5)
        ([Array([1.5], ...), Array([1.5], ...)], [Array(1, dtype=int32), Array(1, dtype=int32)])

    References:
        `optax.per_example_layer_norm_clip`; McMahan et al., *Learning Differentially Private
        Recurrent Language Models*, 2017, arXiv:1710.06963.
    """
    leaves, structure = jax.tree.flatten(grads)
    _check_examples([jnp.asarray(leaf) for leaf in leaves])
    sizes = [leaf[0].size for leaf in leaves]
    shares = [1 / len(leaves) if uniform else size / max(sum(sizes), 1) for size in sizes]
    results = [
        per_example_global_norm_clip(leaf, global_l2_norm_clip * share**0.5)
        for leaf, share in zip(leaves, shares, strict=True)
    ]
    sums, clipped = ([result[i] for result in results] for i in (0, 1))
    return jax.tree.unflatten(structure, sums), jax.tree.unflatten(structure, clipped)


def _floating(leaf: Any) -> Array:
    """Return a gradient, integers as floating numbers."""
    exact = jnp.issubdtype(jnp.asarray(leaf).dtype, jnp.integer)
    return _xp.tensor(jnp.asarray(leaf, jnp.float32) if exact else leaf, "grads")


def _check_examples(tensors: list[Array]) -> None:
    """Raise unless all tensors have as many examples."""
    shapes = [tensor.shape for tensor in tensors]
    if len({shape[:1] for shape in shapes}) > 1 or () in shapes:
        msg = (
            f"Gradients must have the examples along their first axis, got shapes {shapes}. "
            "Compute them with jax.vmap(jax.grad(loss), in_axes=(None, 0))."
        )
        raise ConfigurationError(msg)


@compiled()
def _norms_by_example(tensors: list[Array]) -> Array:
    """Return each example's norm over all tensors, (B,)."""
    if not tensors:
        return jnp.zeros(0)
    norms = [measure.norm(t.reshape(len(t), math.prod(t.shape[1:])), (1,)) for t in tensors]
    return measure.norm(jnp.concatenate(norms, axis=1), (1,))[:, 0]


@compiled()
def _scaled_sum(tensor: Array, factors: Array) -> Array:
    """Return the sum of examples times factors, rounded once; a factor of 0 gives zeros."""
    columns = factors.reshape(-1, *[1] * (tensor.ndim - 1))
    scaled = jnp.where(columns == 0, 0.0, widen(tensor) * columns)
    return narrow(jnp.sum(scaled, axis=0), tensor.dtype)

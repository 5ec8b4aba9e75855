"""Optax's adaptive gradient clipping, by its conventions of what a unit is."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from gradclip.errors import ConfigurationError
from gradclip.jax.functional import functions
from gradclip.jax.namespace import JaxNamespace
from gradclip.optax.transformations import check

Axis = int | tuple[int, ...] | None
# The axes that one unit extends over, by the number of axes: dense and multi-head kernels have
# their inputs first, convolutions all but their outputs.
_UNIT_AXES = {2: (0,), 3: (0,), 4: (0, 1, 2), 5: (0, 1, 2, 3)}
_xp = JaxNamespace()


def unitwise_norm(x: Any, axis: Axis = None) -> Array:
    """Return the 2-norm of each unit, at every place of the unit.

    Args:
        x: A floating or complex array.
        axis: The axes that one unit extends over. None for optax's convention: all of a scalar
            or vector (axes of length 1 apart), the first of 2 or 3 axes, all but the last of
            4 or 5.

    Returns:
        An array of the shape of `x`, float32 (float64 if `x` is).

    Raises:
        ConfigurationError: `axis` is None and `x` has more than 5 axes.

    Example:
        >>> import jax.numpy as jnp, gradclip.optax
        >>> gradclip.optax.unitwise_norm(jnp.array([[3.0, 0.0], [4.0, 1.0]]))
        Array([[5., 1.], [5., 1.]], dtype=float32)

    References:
        `optax.unitwise_norm`.
    """
    with _xp.precision(None):
        tensor = _xp.tensor(x, "x")
        norms = _xp.norm(tensor, _unit_axes(tensor, axis))
        return jnp.broadcast_to(_xp.narrow(norms, [tensor]), tensor.shape)


def adaptive_grad_clip(
    clipping: Any, eps: Any = 1e-3, axis: Axis = None
) -> optax.GradientTransformation:
    """Scale each unit of the updates down to a fraction of its parameters' norm (AGC).

    Args:
        clipping: The largest ratio of the update's norm to the parameter's, a number or scalar
            array >= 0, traced or not.
        eps: The least norm that is assumed of a parameter, so that zeros can learn.
        axis: As in `unitwise_norm`.

    Returns:
        The transformation, without state; its `update` needs the parameters.

    Raises:
        ConfigurationError: `clipping` or `eps` is negative or NaN; in `update`, there are no
            parameters, or one has more than 5 axes and `axis` is None.

    Example:
        >>> import jax.numpy as jnp, gradclip.optax
        >>> clipping = gradclip.optax.adaptive_grad_clip(0.1)
        >>> params = jnp.array([6.0, 8.0])
        >>> clipping.update(jnp.array([3.0, 4.0]), clipping.init(params), params)[0]
        Array([0.6, 0.8], dtype=float32)

    References:
        `optax.adaptive_grad_clip`; Brock, De, Smith and Simonyan, *High-Performance Large-Scale
        Image Recognition Without Normalization*, 2021, arXiv:2102.06171.
    """
    check(clipping=clipping, eps=eps)

    def clip_leaf(update: Any, parameter: Any) -> Array:
        axes = _unit_axes(jnp.asarray(update), axis)
        clipped: Array = functions.adaptive_clip(update, parameter, clipping, eps, axes)
        return clipped

    def update(updates: optax.Updates, params: optax.Params | None) -> optax.Updates:
        if params is None:
            msg = (
                "`params` must be given to adaptive_grad_clip's update, got None. Call "
                "update(updates, state, params)."
            )
            raise ConfigurationError(msg)
        return jax.tree.map(clip_leaf, updates, params)

    return optax.stateless(update)


def _unit_axes(tensor: Array, axis: Axis) -> tuple[int, ...]:
    """Return the axes that one unit extends over."""
    if axis is not None:
        return (axis,) if isinstance(axis, int) else tuple(axis)
    if sum(length != 1 for length in tensor.shape) <= 1:
        return tuple(range(tensor.ndim))
    if tensor.ndim not in _UNIT_AXES:
        msg = (
            f"`axis` must be given for arrays of more than 5 axes, got the shape {tensor.shape}. "
            "Name the axes that one unit extends over."
        )
        raise ConfigurationError(msg)
    return _UNIT_AXES[tensor.ndim]

"""TensorFlow's two optimizer methods, for every optax transformation: state in, state out."""

from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from gradclip.core.decide import NonFinite
from gradclip.core.optimizers import GATE_OP, reject_tf1_arguments
from gradclip.errors import ConfigurationError
from gradclip.jax.clipped import Clipped, ClippedState, unless
from gradclip.jax.skipping import check_values
from gradclip.jax.state import OptimizerState
from gradclip.jax.updates import Transformation

GradsAndVars = list[tuple[Array | None, Array]]


class Optimizer:
    """Compute gradients and apply them in two steps, with room for clipping between.

    The object itself never changes; it can be used within `jax.jit`, `jax.lax.scan` and
    `jax.vmap`, with donated states.

    Args:
        transformation: Any `optax.GradientTransformation`.
        clip: What to clip in `apply_gradients`: a policy such as `gradclip.ZClip()`, a text such
            as `"global-norm=15"`, a function from a list of gradients to one, or None.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` drops the step (neither
            parameters nor the inner state change) and counts it in the state's `skipped` and
            `skipped_in_a_row`; `"raise"`, `"zero"` and `"propagate"` as in the functions.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.
            A traced program raises by a callback, which reaches the host as JAX's own error;
            where callbacks cannot run, set None and call `check` now and then.

    Raises:
        ConfigurationError: `clip` or `nonfinite` is none of these.

    Example:
        >>> import jax.numpy as jnp, optax, gradclip.jax
        >>> sgd = gradclip.jax.Optimizer(optax.sgd(1.0), clip="norm=1")
        >>> params = {"w": jnp.array([3.0, 4.0])}
        >>> state = sgd.init(params)
        >>> pairs = sgd.compute_gradients(lambda params: (params["w"] ** 2).sum() / 2, params)
        >>> pairs[0][0]
        Array([3., 4.], dtype=float32)
        >>> params, state = sgd.apply_gradients(pairs, state)
        >>> params, int(state.step)
        ({'w': Array([2.4, 3.2], dtype=float32)}, 1)

    References:
        `tf.compat.v1.train.Optimizer`.
    """

    def __init__(
        self,
        transformation: Transformation,
        *,
        clip: object = None,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
    ) -> None:
        self.transformation = transformation
        self.max_skipped = max_skipped
        self._clipped = Clipped(transformation, clip, nonfinite=nonfinite, max_skipped=max_skipped)

    def init(self, params: Any) -> OptimizerState:
        """Return the state before the first step.

        Args:
            params: A pytree of arrays.
        """
        clipped = self._clipped.init(params)
        return OptimizerState(clipped, jnp.zeros((), jnp.int32), jax.tree.structure(params))

    def compute_gradients(  # noqa: PLR0913 - TensorFlow's signature
        self,
        loss: Callable[..., Array],
        params: Any,
        *args: Any,
        var_list: object = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: None = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Array | None = None,
    ) -> GradsAndVars:
        """Return (gradient, variable) for each leaf of the parameters.

        Args:
            loss: A function of `params` and `args` that returns the loss, usually ().
            params: A pytree of arrays.
            *args: What else the loss is a function of.
            var_list: TensorFlow only: the variables are the leaves of `params`.
            gate_gradients: TensorFlow 1 only.
            aggregation_method: TensorFlow 1 only.
            colocate_gradients_with_ops: TensorFlow 1 only.
            grad_loss: The gradient of what follows with regard to the loss, in the loss's
                shape; ones by default.

        Returns:
            A list of pairs in the order of `jax.tree.leaves(params)`; None for integers.

        Raises:
            ConfigurationError: An argument that only TensorFlow has is not at its default.
        """
        reject_tf1_arguments(gate_gradients, aggregation_method, colocate_gradients_with_ops)
        if var_list is not None:
            msg = (
                "`var_list` must be None, since the variables are the leaves of `params`. "
                "Close over what shall stay constant."
            )
            raise ConfigurationError(msg)
        value, pull_back = jax.vjp(lambda p: loss(p, *args), params)
        seed = jnp.ones_like(value) if grad_loss is None else grad_loss
        (gradients,) = pull_back(jnp.broadcast_to(jnp.asarray(seed, value.dtype), value.shape))
        leaves = [None if _is_empty(g) else g for g in jax.tree.leaves(gradients)]
        return list(zip(leaves, jax.tree.leaves(params), strict=True))

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Array | None, Array]],
        state: OptimizerState,
        global_step: object = None,
        name: str | None = None,
        **extra: Any,
    ) -> tuple[Any, OptimizerState]:
        """Clip the gradients, let the transformation take its step, and count it.

        Args:
            grads_and_vars: The pairs that `compute_gradients` returned, clipped or not, all of
                them. Where the gradient is None the variable stays as it is.
            state: The state that came with these variables.
            global_step: TensorFlow only: the steps are counted in the state.
            name: A label for the operations.
            **extra: What the transformation's update takes besides, such as `value=`.

        Returns:
            The parameters as a pytree, and the state.

        Raises:
            ConfigurationError: There is no gradient at all, a number of pairs that is not the
                parameters', or a `global_step`.
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask.
        """
        if global_step is not None:
            msg = "`global_step` must be None, since arrays do not change. See the state's `step`."
            raise ConfigurationError(msg)
        pairs = list(grads_and_vars)
        _check_pairs(pairs, state)
        with jax.named_scope(name or "apply_gradients"):
            return self._stepped(pairs, state, extra)

    def check(self, state: OptimizerState) -> None:
        """Raise if too many steps in a row were skipped, for loops that look now and then.

        Args:
            state: A state whose values are there; of a vmapped one, all are looked at.

        Raises:
            NonFiniteGradientError: `max_skipped` or more were.
        """
        check_values(state.skipped_in_a_row, limit=self.max_skipped)

    def _stepped(
        self, pairs: GradsAndVars, state: OptimizerState, extra: dict[str, Any]
    ) -> tuple[Any, OptimizerState]:
        """Return the parameters and the state, the same ones for a step that is dropped."""
        gradients, variables = (list(column) for column in zip(*pairs, strict=True))
        params = jax.tree.unflatten(state.structure, [jnp.asarray(v) for v in variables])
        step = self._clipped.decide(
            jax.tree.unflatten(state.structure, gradients), state.clipped, params
        )
        filled = jax.tree.map(_filled, step.updates, params, is_leaf=_is_none)
        kept = params, state.inner, state.step
        known = not isinstance(step.skipped, jax.core.Tracer)
        if known and step.skipped:
            taken = kept
        else:
            moved, inner = self._clipped.take(
                step._replace(updates=filled), state.clipped, params, **extra
            )
            changed = jax.tree.map(_moved, step.updates, params, moved, is_leaf=_is_none)
            taken = changed, inner, state.step + 1
            taken = taken if known else unless(step.skipped, taken, kept)
        clipped = ClippedState(step.state, taken[1], state.clipped.weights)
        return taken[0], OptimizerState(clipped, taken[2], state.structure)


def _check_pairs(pairs: GradsAndVars, state: OptimizerState) -> None:
    """Raise unless there is a pair for every parameter and a gradient in one of them."""
    expected = state.structure.num_leaves
    if len(pairs) != expected:
        msg = (
            f"There must be a pair for each of the {expected} parameters, got {len(pairs)}. "
            "Put None for a gradient that shall not be applied."
        )
        raise ConfigurationError(msg)
    if pairs and all(gradient is None for gradient, _ in pairs):
        msg = (
            f"At least one gradient must not be None, got none for {len(pairs)} variables. "
            "Are the parameters floating?"
        )
        raise ConfigurationError(msg)


def _filled(gradient: Array | None, parameter: Array) -> Array:
    """Return a gradient for the transformation."""
    return jnp.zeros_like(parameter) if gradient is None else gradient


def _moved(gradient: Array | None, parameter: Array, update: Array) -> Array:
    """Return the parameter with its update, in its own type; without gradient as it is."""
    if gradient is None:
        return parameter
    return jnp.asarray(parameter + update).astype(parameter.dtype)


def _is_none(node: Any) -> bool:
    return node is None


def _is_empty(gradient: Any) -> bool:
    """Tell whether it is the gradient of integers."""
    return bool(gradient.dtype == jax.dtypes.float0)

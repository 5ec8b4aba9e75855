"""The core's verbs on JAX arrays."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from operator import index
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gradclip.core.arithmetic import Arithmetic
from gradclip.core.namespace import EUCLIDEAN, Leaves
from gradclip.core.sequences import nonfinite_error
from gradclip.core.statistics import Look
from gradclip.errors import ConfigurationError, GradientTypeError
from gradclip.jax import apply, measure
from gradclip.jax.apply import colocated
from gradclip.jax.arithmetic import JaxArithmetic
from gradclip.jax.columns import columns
from gradclip.jax.compiled import compiled
from gradclip.jax.squares import DOUBLES
from gradclip.jax.statistics import statistics
from gradclip.jax.trees import flatten_tree
from gradclip.jax.wide import (
    as_user_array,
    as_user_integers,
    float64_scope,
    modulus,
    narrow,
    widen,
)


class JaxNamespace:
    """JAX's side of `gradclip.core.namespace.Namespace`, where each verb is described."""

    def precision(self, name: str | None) -> AbstractContextManager[object]:
        """Allow float64."""
        return float64_scope(name)

    def flatten(self, t_list: Iterable[Any]) -> Leaves:
        """Take a pytree or an iterable apart."""
        return flatten_tree(t_list)

    def tensor(self, t: Any, label: str) -> Array:
        """Return a floating or complex array."""
        if getattr(t, "dtype", None) == jax.dtypes.float0:
            msg = (
                f"`{label}` must be floating or complex, got float0, the gradient of integers. "
                "Put None in its place, or differentiate by the floating parameters alone."
            )
            raise GradientTypeError(msg)
        array = t if isinstance(t, Array) else as_user_array(t)
        if not jnp.issubdtype(array.dtype, jnp.inexact):
            msg = f"`{label}` must be floating or complex, got an array of {array.dtype}."
            raise GradientTypeError(msg)
        return array

    def numeric(self, t: Any, label: str) -> Array:
        """Return an array of real floating numbers."""
        array = self.tensor(t, label)
        if jnp.iscomplexobj(array):
            msg = f"`{label}` must be real, since complex numbers have no order, got {array.dtype}."
            raise GradientTypeError(msg)
        return array

    def size(self, t: Array) -> float:
        """Return the number of entries, at least 1."""
        return max(t.size, 1)

    def unit_axes(self, t: Array) -> tuple[int, ...] | None:
        """Return all axes but the last, which counts the outputs."""
        return tuple(range(t.ndim - 1)) if t.ndim > 1 else None

    def norm(self, t: Array, axes: Any = None, p: float = EUCLIDEAN) -> Array:
        """Return the float64 p-norm."""
        if axes is not None:
            axes = tuple(index(axis) for axis in np.atleast_1d(axes))
        return measure.norm(t, axes) if p == EUCLIDEAN else measure.p_norm(t, p, axes)

    def norms(self, tensors: list[Array | None], p: float = EUCLIDEAN) -> Array:
        """Return the tensors' p-norms as one vector."""
        (norms,) = columns(tensors, lambda some: [measure.norms(some, p)], (jnp.float64,))
        return norms

    def statistics(self, tensors: list[Array | None]) -> Look:
        """Return norms, largest moduli, and the numbers of non-finite entries and of zeros."""
        types = (jnp.float64, jnp.float64, jnp.int64, jnp.int64)
        norms, largest, nonfinite, zeros = columns(tensors, statistics, types)
        counts = (as_user_integers(nonfinite), as_user_integers(zeros))
        return Look(lambda: (norms, largest, *counts))

    def glance(self, tensors: list[Array | None]) -> None:
        """Return nothing: norms alone cost less here."""
        del tensors

    def magnitude(self, t: Array) -> Array:
        """Return the float64 moduli of the entries."""
        return modulus(t)

    def global_norm(self, tensors: list[Array]) -> Array:
        """Return the norm of all tensors as one vector."""
        return measure.norm(self.norms([*tensors])) if tensors else jnp.zeros((), jnp.float64)

    def combine(self, norms: list[Array]) -> Array:
        """Return the norm of the parts with these norms."""
        if not norms:
            return jnp.zeros((), jnp.float64)
        return measure.combine([colocated(norm, norms[0]) for norm in norms])

    def wide(self, value: Any) -> Any:
        """Return a float64 value: on the host if it is there already, so that nothing waits."""
        if not isinstance(value, Array):
            return np.asarray(value, dtype=np.float64)[()]
        if _on_host(value):
            return np.asarray(value).astype(np.float64)[()]
        floating = jnp.issubdtype(value.dtype, jnp.floating)
        return widen(value) if floating else value.astype(jnp.float64)

    def narrow(self, norm: Array, tensors: list[Array]) -> Array:
        """Return float64 if a tensor is, else float32."""
        return _narrow(jnp.asarray(norm), _norm_type(tensors))

    def arithmetic(self, tensors: list[Array]) -> JaxArithmetic:
        """Return the arithmetic that rounds as `narrow` does."""
        return JaxArithmetic(_norm_type(tensors))

    def decidable(self, norm: Any, tensors: list[Array]) -> tuple[Any, Arithmetic]:
        """Return the norm as it is: reading it would wait for its program."""
        return jnp.asarray(norm), self.arithmetic(tensors)

    def total(
        self, norms: Array, tensors: list[Array], p: float = EUCLIDEAN
    ) -> tuple[Any, Arithmetic]:
        """Return the p-norm of all tensors as it is."""
        return self.decidable(self.norm(norms, None, p), tensors)

    def blank(self, shape: tuple[int, ...], tensors: list[Array]) -> Array:
        """Return zeros."""
        del tensors
        return jnp.zeros(shape, jnp.float64)

    def take(self, vector: Array, indices: Any) -> Array:
        """Return some entries."""
        return vector[indices if isinstance(indices, int) else np.asarray(indices, np.int32)]

    def stack(self, scalars: list[Any]) -> Array:
        """Return a vector."""
        return jnp.stack([jnp.asarray(x, jnp.float64) for x in scalars])

    def reshape(self, array: Array, shape: tuple[int, ...]) -> Array:
        """Return the array in another shape."""
        return array.reshape(shape)

    def truth(self, condition: Any) -> bool | None:
        """Return a condition's value if the host has it."""
        return bool(np.all(condition)) if _on_host(condition) else None

    def require_finite(self, norms: list[Array], labels: list[str]) -> list[Array]:
        """Return the norms if they are finite."""
        if any(isinstance(norm, jax.core.Tracer) for norm in norms):
            msg = (
                "nonfinite='raise' must see values, got a program that is being traced (by "
                "jax.jit, grad, vmap or scan). Choose 'skip' or 'zero' there, or look at the "
                "norm that comes out."
            )
            raise ConfigurationError(msg)
        values = jax.device_get(norms)
        bad = [label for x, label in zip(values, labels, strict=True) if not np.isfinite(x)]
        if bad:
            raise nonfinite_error(bad)
        return norms

    def clamp(self, t: Array, low: Any, high: Any) -> Array:
        """Limit each entry to [low, high]."""
        bounds = (None if bound is None else self.wide(bound) for bound in (low, high))
        return apply.clamp(t, *bounds)

    def rescale(self, tensors: list[Array], factor: Array) -> list[Array]:
        """Multiply each by the factor."""
        return apply.rescale(tensors, factor)

    def rescale_each(self, tensors: list[Array | None], factors: Array) -> list[Array | None]:
        """Multiply each by its own factor."""
        places = [i for i, t in enumerate(tensors) if t is not None]
        chosen = factors if len(places) == len(tensors) else self.take(factors, places)
        present = [t for t in tensors if t is not None]
        done = iter(apply.rescale_each(present, chosen))
        return [None if t is None else next(done) for t in tensors]

    def select(self, condition: Array, x: list[Array], y: list[Array]) -> list[Array]:
        """Return one of two lists."""
        return [jnp.where(condition, a, b) for a, b in zip(x, y, strict=True)]

    def zero_where(self, tensors: list[Array], conditions: list[Array]) -> list[Array]:
        """Return zeros in place of those whose condition holds."""
        return [apply.zero_where(*pair) for pair in zip(tensors, conditions, strict=True)]


_narrow = compiled("dtype")(narrow)


def _norm_type(tensors: list[Array]) -> np.dtype[Any]:
    """Return the type in which users get the norm of `tensors`."""
    doubles = any(t.dtype in DOUBLES for t in tensors)
    return np.dtype(np.float64 if doubles else np.float32)


def _on_host(value: Any) -> bool:
    """Tell whether a value can be read without tracing it or waiting for an accelerator."""
    if not isinstance(value, Array):
        return True
    if isinstance(value, jax.core.Tracer):
        return False
    return value.is_fully_addressable and all(d.platform == "cpu" for d in value.devices())

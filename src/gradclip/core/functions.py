"""The clipping functions, written once for every framework."""

from collections.abc import Callable, Iterable
from typing import Any

from gradclip.core.decide import NonFinite, check_nonfinite, decide
from gradclip.core.measurements import Measurements
from gradclip.core.namespace import Array
from gradclip.core.thresholds import check_bounds, check_norm, check_threshold


class Functions(Measurements):
    """Clip one tensor or a list of them with one meaning in every framework.

    Names, argument order and defaults are TensorFlow's. In all of them `None` for a gradient
    stays None, `None` for a threshold is off, 0 gives zeros, inf measures only; a negative or
    NaN threshold raises `ConfigurationError` (a ValueError), integer gradients raise
    `GradientTypeError` (a TypeError). At or below the threshold a tensor keeps its bits, and
    may be the very object that came in. Inputs are never modified.

    `nonfinite` says what NaN and infinite entries lead to: `"propagate"` (NaN in every entry
    that the threshold governs), `"raise"` (`NonFiniteGradientError`, naming the tensors),
    `"skip"` (zeros throughout: a function cannot drop the step, the optimizer wrappers do),
    `"zero"` (zeros for the bad tensors alone). `name` is TensorFlow's and labels the operations
    in a graph; elsewhere it is accepted and has no effect.
    """

    def clip_by_value(
        self,
        t: Array,
        clip_value_min: Array | None,
        clip_value_max: Array | None,
        name: str | None = None,
        *,
        nonfinite: NonFinite = "propagate",
    ) -> Array:
        """Limit every entry of a tensor to an interval.

        Args:
            t: A tensor of real numbers, any shape, or None. In TensorFlow also of integers.
            clip_value_min: The least value, a number or broadcastable; None for no bound.
            clip_value_max: The largest value, likewise. It wins where the two cross.
            name: A label for the operations.
            nonfinite: See the class. `"propagate"` keeps NaN and limits infinite entries.

        Returns:
            A tensor of the same shape and type. Sparse rows are summed before they are limited.

        Raises:
            ConfigurationError: A bound is NaN, or they are numbers in the wrong order.
            GradientTypeError: The tensor is complex or not of numbers.

        Example:
            >>> import numpy as np, gradclip
            >>> gradclip.clip_by_value(np.array([-3.0, 0.5, np.inf]), -1.0, 1.0)
            array([-1. ,  0.5,  1. ])

        References:
            Mikolov, *Statistical Language Models Based on Neural Networks*, 2012;
            `tf.clip_by_value`.
        """
        check_nonfinite(nonfinite)
        check_bounds(clip_value_min, clip_value_max)
        if t is None:
            return None
        with self._xp.precision(name):
            tensor = self._xp.numeric(t, "t")
            if nonfinite != "propagate":
                tensor = self._settle([tensor], [self._xp.norm(tensor)], ["t"], nonfinite)[0][0]
            return self._xp.clamp(tensor, clip_value_min, clip_value_max)

    def clip_by_norm(
        self,
        t: Array,
        clip_norm: Array | None,
        axes: Any = None,
        name: str | None = None,
        *,
        nonfinite: NonFinite = "propagate",
    ) -> Array:
        """Scale a tensor down to a 2-norm of at most `clip_norm`.

        Args:
            t: A floating or complex tensor, any shape, or None.
            clip_norm: The largest norm, a scalar >= 0.
            axes: The axes that one norm extends over, an int or ints; each slice along the other
                axes is then clipped by itself. None for the norm of the whole tensor.
            name: A label for the operations.
            nonfinite: See the class.

        Returns:
            A tensor of the same shape and type.

        Raises:
            ConfigurationError: `clip_norm` is negative or NaN.
            GradientTypeError: The tensor is not floating or complex.
            NonFiniteGradientError: With `nonfinite="raise"`.

        Example:
            >>> import numpy as np, gradclip
            >>> gradclip.clip_by_norm(np.array([[3.0, 4.0], [0.3, 0.4]]), 1.0, axes=1)
            array([[0.6, 0.8],
                   [0.3, 0.4]])

        References:
            `tf.clip_by_norm`.
        """
        return self._clip_tensor(t, clip_norm, lambda limit, _: limit, axes, name, nonfinite)

    def clip_by_average_norm(
        self,
        t: Array,
        clip_norm: Array | None,
        name: str | None = None,
        *,
        nonfinite: NonFinite = "propagate",
    ) -> Array:
        """Scale a tensor down to a 2-norm per entry of at most `clip_norm`.

        The average norm is the 2-norm divided by the number of entries (not by its root; for
        that see `clip_by_block_rms`).

        Args:
            t: A floating or complex tensor, any shape, or None.
            clip_norm: The largest average norm, a scalar >= 0.
            name: A label for the operations.
            nonfinite: See the class.

        Returns:
            A tensor of the same shape and type.

        Raises:
            ConfigurationError: `clip_norm` is negative or NaN.
            GradientTypeError: The tensor is not floating or complex.
            NonFiniteGradientError: With `nonfinite="raise"`.

        Example:
            >>> import numpy as np, gradclip
            >>> gradclip.clip_by_average_norm(np.array([3.0, 4.0]), 0.5)
            array([0.6, 0.8])

        References:
            `tf.compat.v1.clip_by_average_norm`.
        """
        return self._clip_tensor(
            t, clip_norm, lambda limit, size: limit * size, None, name, nonfinite
        )

    def clip_by_block_rms(
        self,
        t: Array,
        clip_norm: Array | None,
        name: str | None = None,
        *,
        nonfinite: NonFinite = "propagate",
    ) -> Array:
        """Scale a tensor down to a root mean square of at most `clip_norm`.

        Args:
            t: A floating or complex tensor, any shape, or None.
            clip_norm: The largest root mean square, a scalar >= 0.
            name: A label for the operations.
            nonfinite: See the class.

        Returns:
            A tensor of the same shape and type.

        Raises:
            ConfigurationError: `clip_norm` is negative or NaN.
            GradientTypeError: The tensor is not floating or complex.
            NonFiniteGradientError: With `nonfinite="raise"`.

        Example:
            >>> import numpy as np, gradclip
            >>> gradclip.clip_by_block_rms(np.array([3.0, 3.0, -3.0]), 1.0)
            array([ 1.,  1., -1.])

        References:
            Shazeer and Stern, *Adafactor*, 2018, arXiv:1804.04235, section 6;
            `optax.clip_by_block_rms`.
        """
        return self._clip_tensor(
            t, clip_norm, lambda limit, size: limit * size**0.5, None, name, nonfinite
        )

    def clip_by_global_norm(
        self,
        t_list: Iterable[Array | None],
        clip_norm: Array | None,
        use_norm: Array | None = None,
        name: str | None = None,
        *,
        nonfinite: NonFinite = "propagate",
    ) -> tuple[Any, Array]:
        """Scale a list of tensors down to a common 2-norm of at most `clip_norm`.

        Args:
            t_list: Floating or complex tensors, or None in their place; types, devices and
                shapes may differ. In JAX also any pytree.
            clip_norm: The largest global norm, a scalar >= 0.
            use_norm: The global norm, if it is known already; it is then not measured.
            name: A label for the operations.
            nonfinite: See the class.

        Returns:
            The list (the pytree) with the clipped tensors, and the global norm before clipping,
            (), float32 or float64: 0 for an empty list, inf or NaN for non-finite entries
            (with `"zero"`, the norm of the finite tensors).

        Raises:
            ConfigurationError: `clip_norm` or `use_norm` is negative, or `clip_norm` is NaN.
            GradientTypeError: A tensor is not floating or complex, or `t_list` not a list.
            NonFiniteGradientError: With `nonfinite="raise"`.

        Example:
            >>> import numpy as np, gradclip
            >>> clipped, norm = gradclip.clip_by_global_norm(
            ...     [np.array([3.0]), None, np.array([4.0])], 1.0
            ... )
            >>> clipped, float(norm)
            ([array([0.6]), None, array([0.8])], 5.0)

        References:
            Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural
            networks*, 2013, arXiv:1211.5063; `tf.clip_by_global_norm`.
        """
        check_nonfinite(nonfinite)
        xp = self._xp
        with xp.precision(name):
            limit = check_threshold("clip_norm", clip_norm, xp)
            norm = check_norm("use_norm", use_norm, xp)
            leaves = xp.flatten(t_list)
            kept = [i for i, t in enumerate(leaves.tensors) if t is not None]
            labels = [leaves.labels[i] for i in kept]
            tensors = [
                xp.tensor(leaves.tensors[i], label) for i, label in zip(kept, labels, strict=True)
            ]
            tensors, norm = self._measure(tensors, labels, norm, nonfinite)
            if limit is not None:
                tensors = xp.rescale(
                    tensors, decide(norm, limit, nonfinite, xp.arithmetic(tensors))
                )
            result = [*leaves.tensors]
            for i, tensor in zip(kept, tensors, strict=True):
                result[i] = tensor
            return leaves.rebuild(result), xp.narrow(norm, tensors)

    def adaptive_clip(  # noqa: PLR0913 - optax's arguments and TensorFlow's
        self,
        t: Array,
        w: Array,
        clipping: Array | None = 0.01,
        eps: float = 1e-3,
        axes: Any = None,
        name: str | None = None,
        *,
        nonfinite: NonFinite = "propagate",
    ) -> Array:
        """Scale each unit of a gradient down to a fraction of its weights' norm (AGC).

        Args:
            t: The gradient, floating or complex, any shape, or None.
            w: The parameter, of the same shape.
            clipping: The largest ratio of the gradient's norm to the parameter's, >= 0.
            eps: The least norm that is assumed of a parameter, so that zeros can learn.
            axes: The axes that one unit extends over. None for the framework's convention: all
                but the output axis (first in PyTorch, last elsewhere); vectors and scalars are
                one unit.
            name: A label for the operations.
            nonfinite: See the class.

        Returns:
            A tensor of the same shape and type.

        Raises:
            ConfigurationError: `clipping` or `eps` is negative or NaN.
            GradientTypeError: A tensor is not floating or complex.
            NonFiniteGradientError: With `nonfinite="raise"`.

        Example:
            >>> import numpy as np, gradclip
            >>> gradclip.adaptive_clip(np.array([3.0, 4.0]), np.array([6.0, 8.0]), 0.1)
            array([0.6, 0.8])

        References:
            Brock, De, Smith and Simonyan, *High-Performance Large-Scale Image Recognition
            Without Normalization*, 2021, arXiv:2102.06171; `optax.adaptive_grad_clip`.
        """
        check_nonfinite(nonfinite)
        if t is None:
            return None
        xp = self._xp
        with xp.precision(name):
            ratio = check_threshold("clipping", clipping, xp)
            tensor = xp.tensor(t, "t")
            if ratio is None:
                return tensor
            over = xp.unit_axes(tensor) if axes is None else axes
            weights = xp.norm(xp.tensor(w, "w"), over)
            floor = check_threshold("eps", eps, xp)
            limit = ratio * xp.arithmetic([tensor]).where(weights < floor, floor, weights)
            return self._clip_units(tensor, over, limit, nonfinite)

    def _clip_tensor(
        self,
        t: Array,
        clip_norm: Array | None,
        limit_of: Callable[[Array, Array], Array],
        axes: Any,
        name: str | None,
        nonfinite: NonFinite,
    ) -> Array:
        """Check the arguments, then clip by `limit_of(clip_norm, number of entries)`."""
        check_nonfinite(nonfinite)
        xp = self._xp
        with xp.precision(name):
            limit = check_threshold("clip_norm", clip_norm, xp)
            if t is None:
                return None
            tensor = xp.tensor(t, "t")
            if limit is None:
                return tensor
            return self._clip_units(tensor, axes, limit_of(limit, xp.size(tensor)), nonfinite)

    def _clip_units(self, tensor: Array, axes: Any, limit: Array, nonfinite: NonFinite) -> Array:
        """Clip each unit over `axes` (all: None) to its limit."""
        norm = None
        if nonfinite in {"raise", "zero"}:
            whole = self._xp.norm(tensor)
            (tensor,), (norm,) = self._settle([tensor], [whole], ["t"], nonfinite)
        if norm is None or axes is not None:
            norm = self._xp.norm(tensor, axes)
        factor = decide(norm, limit, nonfinite, self._xp.arithmetic([tensor]))
        return self._xp.rescale([tensor], factor)[0]

    def _measure(
        self, tensors: list[Array], labels: list[str], norm: Array | None, nonfinite: NonFinite
    ) -> tuple[list[Array], Array]:
        """Return the tensors, settled, and their wide norm; each is read only if needed."""
        xp = self._xp
        if nonfinite in {"propagate", "skip"}:
            return tensors, xp.global_norm(tensors) if norm is None else norm
        norms = [xp.norm(t) for t in tensors]
        tensors, norms = self._settle(tensors, norms, labels, nonfinite)
        return tensors, xp.combine(norms) if norm is None else norm

    def _settle(
        self, tensors: list[Array], norms: list[Array], labels: list[str], nonfinite: NonFinite
    ) -> tuple[list[Array], list[Array]]:
        """Act on each tensor whose norm is not finite: raise for "raise", else set it to zeros."""
        xp = self._xp
        if nonfinite == "raise":
            return tensors, xp.require_finite(norms, labels)
        arithmetic = xp.arithmetic(tensors)
        bad = [~arithmetic.isfinite(norm) for norm in norms]
        zeroed = [arithmetic.where(b, 0.0, norm) for b, norm in zip(bad, norms, strict=True)]
        return xp.zero_where(tensors, bad), zeroed

"""The functions that look at gradients and change nothing, written once for every framework."""

from collections.abc import Iterable

from gradclip.core.namespace import Array, Namespace
from gradclip.core.statistics import Statistics


class Measurements:
    """Measure a list of tensors with one meaning in every framework.

    Args:
        xp: The framework's verbs.
    """

    def __init__(self, xp: Namespace) -> None:
        self._xp = xp

    def global_norm(self, t_list: Iterable[Array | None], name: str | None = None) -> Array:
        """Return the 2-norm of a list of tensors as one vector.

        Args:
            t_list: Floating or complex tensors, or None in their place; in JAX also any pytree.
            name: A label for the operations.

        Returns:
            The norm, (), float32 (float64 if a tensor is): 0 for an empty list, inf or NaN for
            non-finite entries. The relative error is at most 1e-6 (float64: 1e-14), also where
            squares overflow or underflow.

        Raises:
            GradientTypeError: A tensor is not floating or complex, or `t_list` not a list.

        Example:
            >>> import numpy as np, gradclip
            >>> norm = gradclip.global_norm([np.float32([3e30]), None, np.float32([4e30])])
            >>> f"{norm:.6g}"
            '5e+30'

        References:
            `tf.linalg.global_norm`.
        """
        xp = self._xp
        with xp.precision(name):
            tensors = [t for t in self._tensors(t_list) if t is not None]
            return xp.narrow(xp.global_norm(tensors), tensors)

    def gradient_statistics(
        self, t_list: Iterable[Array | None], name: str | None = None
    ) -> Statistics:
        """Return what one look at each tensor tells: norm, largest entry, non-finite ones, zeros.

        Args:
            t_list: Floating or complex tensors, or None in their place; in JAX also any pytree,
                whose leaves are meant in order.
            name: A label for the operations.

        Returns:
            The global norm and, for each tensor, its 2-norm, its largest modulus and how many of
            its entries are not finite and how many are zero. Norms are as exact as in
            `global_norm`, the rest is exact.

        Raises:
            GradientTypeError: A tensor is not floating or complex, or `t_list` not a list.

        Example:
            >>> import numpy as np, gradclip
            >>> found = gradclip.gradient_statistics(
            ...     [np.array([3.0, -4.0]), np.array([0.0, np.inf])]
            ... )
            >>> found.norms, found.nonfinite, found.zeros
            (array([ 5., inf]), array([0, 1]), array([0, 1]))

        References:
            `torch.nn.utils.get_total_norm` and `optax.global_norm` return the first alone.
        """
        xp = self._xp
        with xp.precision(name):
            tensors = self._tensors(t_list)
            present = [t for t in tensors if t is not None]
            look = xp.statistics(tensors)
            norms, largest, nonfinite, zeros = look.columns
            total = xp.norm(norms) if look.total is None else look.total
            return Statistics(
                global_norm=xp.narrow(total, present),
                norms=xp.narrow(norms, present),
                largest=xp.narrow(largest, present),
                nonfinite=nonfinite,
                zeros=zeros,
            )

    def _tensors(self, t_list: Iterable[Array | None]) -> list[Array | None]:
        """Return the tensors of a structure, None in place."""
        leaves = self._xp.flatten(t_list)
        pairs = zip(leaves.tensors, leaves.labels, strict=True)
        return [None if t is None else self._xp.tensor(t, label) for t, label in pairs]

"""Lists of gradients: read once, put together again."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gradclip.core.namespace import Array, Leaves
from gradclip.errors import ConfigurationError, GradientTypeError, NonFiniteGradientError


def read_once(t_list: Iterable[Array], name: str = "t_list") -> list[Array]:
    """Return the entries of an iterable, warning of a used-up iterator as PyTorch does.

    Raises:
        GradientTypeError: It is a bare tensor, a mapping or text.
    """
    wrong = isinstance(t_list, str | bytes | Mapping) or hasattr(t_list, "dtype")
    if wrong or not isinstance(t_list, Iterable):
        msg = (
            f"`{name}` must be a list of tensors, got {type(t_list).__qualname__}. "
            "Put a single tensor into a list; pass a mapping's values()."
        )
        raise GradientTypeError(msg)
    entries = list(t_list)
    if not entries and isinstance(t_list, Iterator):
        warnings.warn(
            f"`{name}` is an empty generator, no gradient clipping will occur.", stacklevel=2
        )
    return entries


def flatten_list(t_list: Iterable[Any]) -> Leaves:
    """Take a list apart: the `flatten` of frameworks without a tree of their own."""
    entries = read_once(t_list)
    return Leaves(entries, [f"t_list[{i}]" for i in range(len(entries))], list)


def check_lengths(gradients: Sequence[Any], **others: Sequence[Any] | None) -> None:
    """Raise unless there is a variable and a name for each gradient.

    Args:
        gradients: The gradients.
        **others: What there must be as many of, by its name; None passes.

    Raises:
        ConfigurationError: There is not.

    Example:
        >>> check_lengths([3.0, None], variables=None, names=["w", "b"])
    """
    for what, given in others.items():
        if given is not None and len(given) != len(gradients):
            count = len(gradients)
            msg = f"`{what}` must be one for each of {count} gradients, got {len(given)}."
            raise ConfigurationError(msg)


def nonfinite_error(labels: list[str]) -> NonFiniteGradientError:
    """Return the error that names the tensors with NaN or infinite entries."""
    msg = (
        f"Gradients must be finite with nonfinite='raise'; NaN or inf in {', '.join(labels)}. "
        "Lower the learning rate or the loss scale, or choose nonfinite='skip' or 'zero'."
    )
    return NonFiniteGradientError(msg)

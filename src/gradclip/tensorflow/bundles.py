"""Small tensors of one shape and type as one tensor: few operations for many parameters."""

from typing import Any, NamedTuple

import tensorflow as tf

SMALL = 2**14  # entries: less than this is copied sooner than another operation starts


class Bundle(NamedTuple):
    """Tensors of one shape and type."""

    places: tuple[int, ...]  # which of the list they are
    values: Any  # (n, ...) for n >= 2 tensors, or one tensor as it is

    @property
    def stacked(self) -> bool:
        """Whether the first axis counts tensors."""
        return len(self.places) > 1

    @property
    def axes(self) -> tuple[int, ...] | None:
        """The axes of one tensor; None for all."""
        return tuple(range(1, self.values.shape.rank)) if self.stacked else None


def bundle(tensors: list[Any]) -> list[Bundle]:
    """Stack small tensors of one shape and type, and leave the others alone.

    Args:
        tensors: Dense tensors.

    Returns:
        Bundles that hold each tensor once, those of one tensor first.
    """
    alike: dict[Any, list[int]] = {}
    for i, tensor in enumerate(tensors):
        shape = tensor.shape
        small = shape.is_fully_defined() and shape.num_elements() <= SMALL
        key = (tensor.dtype, *shape.as_list()) if small else i
        alike.setdefault(key, []).append(i)
    groups = sorted(alike.values(), key=lambda places: len(places) > 1)
    return [Bundle(tuple(places), _stacked([tensors[i] for i in places])) for places in groups]


def joined(bundles: list[Bundle], results: list[Any]) -> Any:
    """Return results for bundles, () or (n,), as one vector in the order of the bundles."""
    pairs = list(zip(bundles, results, strict=True))
    alone = [result for each, result in pairs if not each.stacked]
    parts = [tf.stack(alone)] if alone else []
    parts += [result for each, result in pairs if each.stacked]
    return tf.concat(parts, 0) if len(parts) > 1 else parts[0]


def spread(bundles: list[Bundle], factors: Any) -> list[Any]:
    """Return factors in the order of the bundles, (T,) or () for all, as they broadcast to each."""
    if factors.shape.rank == 0:
        return [factors] * len(bundles)
    pieces = tf.split(factors, [len(each.places) for each in bundles])
    pairs = zip(pieces, bundles, strict=True)
    return [
        tf.reshape(piece, [-1, *[1] * len(each.axes)] if each.axes else []) for piece, each in pairs
    ]


def unbundle(bundles: list[Bundle], values: list[Any]) -> list[Any]:
    """Return tensors in the order of the list that was bundled.

    Args:
        bundles: What `bundle` returned.
        values: Other values, of the same shapes.
    """
    tensors: dict[int, Any] = {}
    for each, value in zip(bundles, values, strict=True):
        pieces = tf.unstack(value, num=len(each.places)) if each.stacked else [value]
        tensors |= dict(zip(each.places, pieces, strict=True))
    return [tensors[i] for i in range(len(tensors))]


def _stacked(tensors: list[Any]) -> Any:
    return tf.stack(tensors) if len(tensors) > 1 else tensors[0]

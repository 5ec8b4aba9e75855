"""Granularity: whose norm is held to the limit."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, get_args

from gradclip.core.arithmetic import Arithmetic, is_scalar
from gradclip.core.namespace import Array
from gradclip.core.policies.batch import Batch
from gradclip.core.policies.kinds import Norm
from gradclip.core.policies.names import Groups, indices_by_label, label_of, layer_of
from gradclip.errors import ConfigurationError

Named = Literal["element", "unit", "tensor", "layer", "global"]


@dataclass(frozen=True, slots=True)
class Units:
    """The parts of each tensor that one norm extends over.

    Attributes:
        axes: The axes of one unit; None for the framework's convention: all but the axis of the
            outputs, and vectors as one unit.
    """

    axes: int | tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Grouped:
    """Parameters whose gradients share a norm.

    Attributes:
        groups: Patterns by group, or a function from a parameter's name to its group.
    """

    groups: Groups

    def __hash__(self) -> int:
        groups = self.groups
        return hash(tuple(groups.items()) if isinstance(groups, Mapping) else groups)


Granularity = Named | Units | Grouped


class Part(NamedTuple):
    """Norms of one shape that are decided on together."""

    norm: Array  # wide p-norms: () of all, (G,) of groups, or one a unit or entry of a tensor
    divisor: Array  # what they are divided by to be a norm of the kind that was asked for
    weight: Array | None  # the parameters' norms, in the same shape
    valid: Array  # whether adaptive limits may learn from them, () or (G,)
    arithmetic: Arithmetic


class Division(Protocol):
    """A granularity for parameters whose names and shapes are known."""

    def blanks(self, batch: Batch) -> list[tuple[Array, Arithmetic]]:
        """Return an array in the shape of each part's norms, and the arithmetic on it."""

    def parts(self, batch: Batch, norm: Norm, *, relative: bool) -> Iterator[Part | None]:
        """Measure each part; None for a part without gradient."""

    def scale(self, batch: Batch, factors: list[Array | None]) -> Batch:
        """Multiply the gradients by a factor for each norm."""

    def clamp(self, batch: Batch, limits: list[Array | None]) -> Batch:
        """Limit every entry to the limit of its part."""

    def limit(self, limits: list[Array | None], batch: Batch) -> Array:
        """Return the limits as reports have them, () or (T,); NaN where a tensor has several."""


def divide(granularity: Granularity, names: tuple[str, ...]) -> Division:
    """Return a granularity for parameters of these names."""
    if isinstance(granularity, Grouped):
        return Joint.of([label_of(name, granularity.groups) for name in names])
    return Split(granularity) if isinstance(granularity, Units) else _divide_by(granularity, names)


def _divide_by(granularity: Named, names: tuple[str, ...]) -> Division:
    match granularity:
        case "global":
            division: Division = Joint((tuple(range(len(names))),), whole=True)
        case "layer":
            division = Joint.of([layer_of(name) for name in names])
        case "tensor":
            division = Joint(tuple((i,) for i in range(len(names))), single=True)
        case "unit":
            division = Split(Units())
        case _:  # "element"
            division = Split(Units(()))
    return division


def check_granularity(granularity: object) -> None:
    """Raise unless it is one.

    Raises:
        ConfigurationError: It is something else.
    """
    if isinstance(granularity, Units | Grouped) or granularity in get_args(Named):
        return
    msg = (
        f"`granularity` must be one of {get_args(Named)}, Units(axes) or Grouped(groups), "
        f"got {granularity!r}."
    )
    raise ConfigurationError(msg)


@dataclass(frozen=True, slots=True)
class Joint:
    """Norms over one tensor or several: all of them fit into one vector.

    Attributes:
        groups: The tensors' indices, by group.
        whole: Whether there is one norm, of shape ().
        single: Whether each group is one tensor, all in order.
    """

    groups: tuple[tuple[int, ...], ...]
    whole: bool = False
    single: bool = False

    @classmethod
    def of(cls, labels: list[str]) -> "Joint":
        """Return the groups of tensors with the same label."""
        groups = tuple(indices_by_label(labels).values())
        return cls(groups, single=len(groups) == len(labels))

    def blanks(self, batch: Batch) -> list[tuple[Array, Arithmetic]]:
        """Return one array, () or (G,)."""
        shape = () if self.whole else (len(self.groups),)
        return [batch.xp.decidable(batch.xp.blank(shape, batch.kinds), batch.kinds)]

    def parts(self, batch: Batch, norm: Norm, *, relative: bool) -> Iterator[Part | None]:
        """Measure all groups at once.

        Yields:
            The one part.
        """
        xp, kinds = batch.xp, batch.kinds
        if self.whole:
            joined, arithmetic = batch.total(norm.p)
        else:
            groups = self._join(batch.norms(norm.p), norm.p, batch)
            joined, arithmetic = xp.decidable(groups, kinds)
        weight = None
        if relative:
            weights = self._join(xp.norms(batch.weights, norm.p), norm.p, batch)
            weight = xp.decidable(weights, kinds)[0]
        valid = arithmetic.isfinite(joined) & batch.accept
        if batch.bad is not None:
            worst = xp.decidable(self._join(batch.bad, math.inf, batch), kinds)[0]
            valid = valid & (worst <= 0)
        if not self.whole and len(batch.present) < len(batch.tensors):
            there = [float(any(batch.tensors[i] is not None for i in g)) for g in self.groups]
            valid = valid & (xp.stack(there) > 0)
        yield Part(joined, self._divisor(batch, norm), weight, valid, arithmetic)

    def scale(self, batch: Batch, factors: list[Array | None]) -> Batch:
        """Multiply later."""
        return batch.scaled(self._spread(factors[0], batch))

    def clamp(self, batch: Batch, limits: list[Array | None]) -> Batch:
        """Clamp each tensor to its group's limit."""
        xp, limit = batch.xp, self._spread(limits[0], batch)
        settled = batch.settled()
        several = not is_scalar(limit)
        bounds = [xp.take(limit, i) if several else limit for i in range(len(batch.tensors))]
        return settled.with_tensors(
            [
                None if t is None else xp.clamp(t, -bound, bound)
                for t, bound in zip(settled.tensors, bounds, strict=True)
            ]
        )

    def limit(self, limits: list[Array | None], batch: Batch) -> Array:
        """Return the limit, or the one of each tensor's group."""
        return self._spread(limits[0], batch)

    def _join(self, norms: Array, p: float, batch: Batch) -> Array:
        """Return the groups' norms, () or (G,), of the tensors' (T,)."""
        xp = batch.xp
        if self.whole:
            return xp.norm(norms, None, p)
        if self.single:
            return norms
        longest = max(len(group) for group in self.groups)
        zero = len(batch.tensors)  # the place of a zero that fills up shorter groups
        padded = xp.stack([*(xp.take(norms, i) for i in range(zero)), 0.0])
        table = [[*group, *[zero] * (longest - len(group))] for group in self.groups]
        return xp.reshape(xp.norm(xp.take(padded, table), (1,), p), (len(self.groups),))

    def _spread(self, values: Array, batch: Batch) -> Array:
        """Return each tensor's own of the groups' values, (T,); () as it is."""
        if self.whole or self.single or is_scalar(values):
            return values
        owner = {i: k for k, group in enumerate(self.groups) for i in group}
        return batch.xp.take(values, [owner[i] for i in range(len(batch.tensors))])

    def _divisor(self, batch: Batch, norm: Norm) -> Array:
        """Return what the groups' norms are divided by, () or (G,)."""
        if not norm.averaged:
            return 1.0
        xp = batch.xp
        sizes = [0.0 if t is None else xp.size(t) for t in batch.tensors]
        totals = [norm.divisor(sum(sizes[i] for i in group)) for group in self.groups]
        return totals[0] if self.whole else xp.stack(totals)


@dataclass(frozen=True, slots=True)
class Split:
    """Norms over parts of one tensor: each tensor has an array of its own.

    Attributes:
        units: The axes of a part; none for every entry by itself.
    """

    units: Units

    def blanks(self, batch: Batch) -> list[tuple[Array, Arithmetic]]:
        """Return an array for each parameter."""
        xp = batch.xp
        return [
            # What is not there yet is known when it comes: () broadcasts.
            xp.decidable(xp.blank(() if t is None else self._shape(t, batch), present), present)
            for t, present in ((t, [] if t is None else [t]) for t in batch.tensors)
        ]

    def parts(self, batch: Batch, norm: Norm, *, relative: bool) -> Iterator[Part | None]:
        """Measure tensor by tensor.

        Yields:
            The parts, one a tensor.
        """
        xp, settled = batch.xp, batch.settled()
        weights = batch.weights if relative else []
        for i, t in enumerate(settled.tensors):
            if t is None:
                yield None
                continue
            norms, arithmetic = xp.decidable(self._measure(t, norm.p, batch), [t])
            weight = self._measure(weights[i], norm.p, batch) if relative else None
            valid = arithmetic.isfinite(norms) & batch.accept
            if batch.bad is not None:
                valid = valid & (xp.take(batch.bad, i) <= 0)
            size = math.prod(t.shape) / max(math.prod(self._shape(t, batch)), 1)
            divisor = norm.divisor(max(size, 1.0)) if norm.averaged else 1.0
            yield Part(norms, divisor, weight, valid, arithmetic)

    def scale(self, batch: Batch, factors: list[Array | None]) -> Batch:
        """Multiply each part by its factor, now."""
        xp, settled = batch.xp, batch.settled()
        pairs = zip(settled.tensors, factors, strict=True)
        return settled.with_tensors(
            [None if t is None else xp.rescale([t], xp.wide(f))[0] for t, f in pairs]
        )

    def clamp(self, batch: Batch, limits: list[Array | None]) -> Batch:
        """Clamp each entry to its part's limit."""
        settled = batch.settled()
        pairs = zip(settled.tensors, limits, strict=True)
        return settled.with_tensors(
            [None if t is None else batch.xp.clamp(t, -limit, limit) for t, limit in pairs]  # type: ignore[operator]  # there where t is
        )

    def limit(self, limits: list[Array | None], batch: Batch) -> Array:
        """Return the limit if it is one for all."""
        del batch
        scalars = [x for x in limits if x is not None and is_scalar(x)]
        return scalars[0] if scalars else math.nan

    def _axes(self, t: Array, batch: Batch) -> tuple[int, ...]:
        axes = self.units.axes
        if axes is None:
            axes = batch.xp.unit_axes(t)
        if axes is None:
            return tuple(range(len(t.shape)))
        return (axes,) if isinstance(axes, int) else tuple(axes)

    def _shape(self, t: Array, batch: Batch) -> tuple[int, ...]:
        """Return the shape of the norms: 1 along the axes of a part."""
        rank = len(t.shape)
        axes = {axis % rank for axis in self._axes(t, batch)} if rank else set()
        return tuple(1 if i in axes else int(n) for i, n in enumerate(t.shape))

    def _measure(self, t: Array, p: float, batch: Batch) -> Array:
        axes = self._axes(t, batch)
        return batch.xp.norm(t, axes, p) if axes else batch.xp.magnitude(t)

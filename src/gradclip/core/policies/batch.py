"""Gradients on their way through a policy, and what is known of their norms."""

import operator
from dataclasses import dataclass, field, replace
from typing import Any, Self

from gradclip.core.arithmetic import Arithmetic, is_scalar
from gradclip.core.namespace import EUCLIDEAN, Array, Namespace
from gradclip.core.statistics import Look


class Known:
    """What is known of T gradients as they lie there; each question is answered once.

    Args:
        tensors: The gradients; None where there is none.
        xp: The framework's verbs.
        look: Whether to look at once for all that one look can tell.

    Attributes:
        present: The gradients that there are.
        kinds: The first one of each type, for verbs that ask for types and a device alone: a look
            at each of thousands of tensors is felt.
        look: What was found at once.
        asked: Whether it was asked for; without, it may come with the norms.
        norms: The norms that are known, by p.
    """

    __slots__ = (
        "_looked",
        "_tensors",
        "_totals",
        "_xp",
        "asked",
        "kinds",
        "look",
        "norms",
        "present",
    )

    def __init__(self, tensors: list[Array | None], xp: Namespace, *, look: bool = False) -> None:
        self.present: list[Array] = [t for t in tensors if t is not None]
        self.kinds = _first_of_each_type(self.present)
        self.look = xp.statistics(tensors) if look else None
        self.asked = self._looked = look
        self.norms: dict[float, Array] = {}
        self._totals: dict[float, tuple[Array, Arithmetic]] = {}
        self._tensors = tensors
        self._xp = xp

    def norm(self, p: float) -> Array:
        """Return each gradient's p-norm, (T,); 0 where there is none."""
        if p not in self.norms:
            look = self._look(p)
            self.norms[p] = self._xp.norms(self._tensors, p) if look is None else look.norms
        return self.norms[p]

    def total(self, p: float) -> tuple[Array, Arithmetic]:
        """Return the p-norm of all as one, where it is decided on."""
        if p not in self._totals:
            look, xp = self._look(p), self._xp
            if look is None or look.total is None:
                self._totals[p] = xp.total(self.norm(p), self.kinds, p)
            else:
                self._totals[p] = xp.decidable(look.total, self.kinds)
        return self._totals[p]

    def _look(self, p: float) -> Look | None:
        if p != EUCLIDEAN:
            return None
        if not self._looked:
            self._looked = True
            self.look = self._xp.glance(self._tensors)
        return self.look

    def subset(self, indices: list[int]) -> Self:
        """Return what is known of some of the gradients."""
        if self.look is not None:
            self.norm(EUCLIDEAN)
        some = type(self)([self._tensors[i] for i in indices], self._xp)
        some.norms.update({p: self._xp.take(v, indices) for p, v in self.norms.items()})
        return some


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """The gradients of one step, T of them.

    Scaling is put off: factors are multiplied, and the tensors are read and written when all is
    decided, or where a policy must see entries.

    Attributes:
        xp: The framework's verbs.
        names: The parameters' names.
        tensors: The gradients; None where there is none.
        variables: The parameters as the framework has them; empty where nobody gave them.
        factor: What the gradients have yet to be multiplied by, () or (T,).
        accept: Whether adaptive policies may learn from this step, (); a bool where it is known.
        bad: 1 where a tensor's gradient was replaced by zeros and teaches nothing, (T,); None
            where there is no such tensor.
        known: What is known of the tensors as they lie there.
    """

    xp: Namespace
    names: tuple[str, ...]
    tensors: list[Array | None]
    variables: list[Array | None] = field(default_factory=list)
    factor: Array = 1.0
    accept: Array = True
    bad: Array | None = None
    known: Known

    @property
    def untouched(self) -> bool:
        """Whether it is known that nothing was put off."""
        return isinstance(self.factor, float) and self.factor == 1.0

    def holds(self, tensors: list[Array | None]) -> bool:
        """Tell whether these are the very tensors whose scaling was put off."""
        return all(map(operator.is_, self.tensors, tensors))

    @property
    def present(self) -> list[Array]:
        """The gradients that are there."""
        return self.known.present

    @property
    def kinds(self) -> list[Array]:
        """The first gradient of each type."""
        return self.known.kinds

    @property
    def weights(self) -> list[Array | None]:
        """The parameters as tensors, for policies that are relative to their norms."""
        tensor = self.xp.tensor
        pairs = zip(self.variables, self.names, strict=True) if self.variables else ()
        return [None if t is None else tensor(t, name) for t, name in pairs]

    def norms(self, p: float = EUCLIDEAN) -> Array:
        """Return each gradient's wide p-norm as it is to be, (T,); 0 where there is none."""
        norms = self.known.norm(p)
        return norms if self.untouched else norms * self.factor

    def total(self, p: float = EUCLIDEAN) -> tuple[Array, Arithmetic]:
        """Return the p-norm of all gradients as they are to be, where it is decided on."""
        if self.untouched:
            return self.known.total(p)
        if isinstance(self.factor, float):
            total, arithmetic = self.known.total(p)
            if isinstance(total, float):
                return total * self.factor, arithmetic
        return self.xp.total(self.norms(p), self.kinds, p)

    def scaled(self, factor: Array) -> Self:
        """Return the gradients multiplied by a wide factor, () or (T,), later."""
        if isinstance(factor, float) and factor == 1.0:
            return self
        return replace(self, factor=self.factor * factor)

    def settled(self) -> Self:
        """Return the gradients with nothing put off."""
        if self.untouched:
            return self
        return self.with_tensors(_rescaled(self))

    def with_tensors(self, tensors: list[Array | None]) -> Self:
        """Return other gradients in place of these."""
        return replace(self, tensors=tensors, factor=1.0, known=Known(tensors, self.xp))

    def subset(self, indices: tuple[int, ...]) -> Self:
        """Return some of the gradients, with all norms that are known of them."""
        xp, places = self.xp, list(indices)
        tensors = [self.tensors[i] for i in indices]
        return replace(
            self,
            names=tuple(self.names[i] for i in indices),
            tensors=tensors,
            variables=[self.variables[i] for i in indices] if self.variables else [],
            factor=xp.take(self.factor, places) if _is_vector(self.factor) else self.factor,
            bad=None if self.bad is None else xp.take(self.bad, places),
            known=self.known.subset(places),
        )

    def merged(self, parts: list[tuple[tuple[int, ...], "Batch"]]) -> "Batch":
        """Return these gradients with subsets of them replaced.

        Args:
            parts: Indices, and the gradients that take these places; no index twice.
        """
        tensors = list(self.tensors)
        factors: list[Array] = [_entry(self, i) for i in range(len(tensors))]
        for indices, part in parts:
            for k, i in enumerate(indices):
                tensors[i] = part.tensors[k]
                factors[i] = _entry(part, k)
        if not tensors:
            return self
        same = all(new is old for new, old in zip(tensors, self.tensors, strict=True))
        known = self.known if same else Known(tensors, self.xp)
        return replace(self, tensors=tensors, factor=self.xp.stack(factors), known=known)


def _first_of_each_type(tensors: list[Array]) -> list[Array]:
    """Return one tensor of each type, the first of all in front."""
    first: dict[Any, Array] = {}
    for t in tensors:
        first.setdefault(t.dtype, t)
    return list(first.values())


def blend(condition: Array, x: Batch, y: Batch) -> Batch:
    """Return the gradients `x` if a scalar condition holds, else `y`."""
    if isinstance(condition, bool):
        return x if condition else y
    if all(a is b for a, b in zip(x.tensors, y.tensors, strict=True)):
        where = x.xp.arithmetic(x.kinds).where
        return replace(x, factor=where(condition, x.factor, y.factor))
    x, y = x.settled(), y.settled()
    chosen = iter(x.xp.select(condition, x.present, y.present))
    return x.with_tensors([None if t is None else next(chosen) for t in x.tensors])


def _entry(batch: Batch, i: int) -> Array:
    """Return the factor of one gradient, ()."""
    return batch.xp.take(batch.factor, i) if _is_vector(batch.factor) else batch.factor


def _is_vector(factor: Array) -> bool:
    return not is_scalar(factor)


def _rescaled(batch: Batch) -> list[Array | None]:
    """Multiply the gradients by what was put off."""
    if _is_vector(batch.factor):
        return batch.xp.rescale_each(batch.tensors, batch.factor)
    done = iter(batch.xp.rescale(batch.present, batch.xp.wide(batch.factor)))
    return [None if t is None else next(done) for t in batch.tensors]

"""What optimizers train: several sets of parameters, which may have the same names."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from jax import Array

from gradclip.instrumenting.jax.frames import is_traced
from gradclip.instrumenting.jax.parameters import forms
from gradclip.instrumenting.jax.seen import Form, Layout
from gradclip.jax.names import Named

if TYPE_CHECKING:
    from types import FrameType

_TWINS = (
    "One optimizer was made ready for several sets of parameters of the same names and shapes, "
    "whose steps cannot be told apart: each counts as a training step. Make an optimizer of its "
    "own for each of them."
)
_ANEW = (
    "An optimizer was made ready again during training for parameters of the same names and "
    "shapes: if another training began there, its steps follow in the same run."
)
_LIBRARIES = {"gradclip", "optax", "jax", "flax", "equinox", "wrapt", "functools"}

Shapes = tuple[tuple[int, ...], ...]
Pairs = list[tuple[str, "Leaf"]]


class Leaf:
    """Stands for a parameter, whose array is another one after each step."""

    def __init__(self, form: Form) -> None:
        self.shape, self.dtype = form.shape, form.dtype


@dataclass(slots=True, eq=False)
class Target:
    """A set of parameters.

    Attributes:
        names: Their names.
        forms: Their shapes and types.
        variables: What the program calls it, where that is known.
        arrays: What it was when a transformation was made ready for it.
        sources: The transformations that are known to train it.
        stepped: Whether any of them has stepped.
        pairs: Names and what stands for each parameter, always the same; empty before a step.
    """

    names: tuple[str, ...]
    forms: tuple[Form, ...]
    variables: tuple[str, ...] = ()
    arrays: list[ref[Any]] = field(default_factory=list)
    sources: set[int] = field(default_factory=set)
    stepped: bool = False
    pairs: Pairs = field(default_factory=list)

    @property
    def shapes(self) -> Shapes:
        """The shapes alone: gradients may be of another type."""
        return shapes_of(self.forms)

    def holds(self, named: Named) -> bool:
        """Tell whether it was made ready with one of these very arrays."""
        known = {id(array) for reference in self.arrays if (array := reference()) is not None}
        return any(id(leaf) in known for leaf in named.leaves)


class Targets:
    """All sets of parameters that a program trains.

    Args:
        say: Is told what the user must know.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._all: list[Target] = []
        self._known: dict[tuple[int | None, tuple[str, ...], Shapes], Target] = {}
        self._of_layout: dict[Layout, Target] = {}

    @property
    def num(self) -> int:
        """How many sets there are."""
        return len(self._all)

    @property
    def num_sources(self) -> int:
        """How many transformations train a set of parameters."""
        return sum(len(target.sources) for target in self._all)

    def are_several(self, named: Named) -> bool:
        """Tell whether there are several sets with these names and shapes."""
        return len(list(self._alike(named.names, shapes_of(forms(named))))) > 1

    def expect(self, named: Named, source: int, variables: tuple[str, ...] = ()) -> None:
        """Be told of a transformation that was made ready.

        Args:
            named: For which parameters.
            source: Its number.
            variables: What the program calls them.
        """
        shapes = shapes_of(forms(named))
        key = (source, named.names, shapes)
        if key in self._known:
            self._expect_again(self._known[key], named)
            return
        alike = list(self._alike(named.names, shapes))
        target = next((each for each in alike if each.holds(named)), None)
        if target is None and alike and alike[-1].stepped:
            target = alike[-1]
            target.sources = set()
            self._say(_ANEW)
        if target is None:
            arrays = [ref(leaf) for leaf in named.leaves if isinstance(leaf, Array | np.ndarray)]
            target = self._made(Target(named.names, forms(named), variables, arrays))
        target.sources.add(source)
        self._known[key] = target

    def of(self, layout: Layout) -> Target:
        """Return what was trained by a step.

        Args:
            layout: What is told of the step.
        """
        target = self._of_layout.get(layout)
        if target is None:
            target = self._of_layout[layout] = self._found(layout)
        if layout.source is not None:
            target.sources.add(layout.source)
        if not target.stepped:
            target.stepped = True
            target.pairs = target.pairs or self._paired(target)
        return target

    def coming(self, present: Mapping[Any, Any]) -> dict[Any, Pairs]:
        """Return the names and parameters of what is ready and has not been trained yet.

        Of two that are alike the second one is as likely another attempt at making the first.

        Args:
            present: The sets that are trained, as keys.
        """
        alike = {(t.names, t.shapes) for t in present}
        found = [t for t in self._all if not t.stepped and (t.names, t.shapes) not in alike]
        for target in found:
            target.pairs = target.pairs or self._paired(target)
        return {target: target.pairs for target in found}

    def _alike(self, names: tuple[str, ...], shapes: Shapes) -> Iterator[Target]:
        return (t for t in self._all if t.names == names and t.shapes == shapes)

    def _found(self, layout: Layout) -> Target:
        """Return the set that a source was made ready for, one that is alike, or a new one."""
        shapes = shapes_of(layout.shapes)
        key = (layout.source, layout.names, shapes)
        if key not in self._known:
            self._renounce(layout.source)
            alike = next(self._alike(layout.names, shapes), None)
            self._known[key] = alike or self._made(Target(layout.names, layout.shapes))
        return self._known[key]

    def _renounce(self, source: int | None) -> None:
        """Forget what a transformation was made ready for: it gets something else, as lookahead."""
        for target in [t for t in self._all if source in t.sources and not t.stepped]:
            target.sources -= {source}
            if not target.sources:
                self._all.remove(target)

    def _made(self, target: Target) -> Target:
        self._all.append(target)
        return target

    def _expect_again(self, target: Target, named: Named) -> None:
        """Say what cannot be told apart."""
        if target.stepped:
            self._say(_ANEW)
        elif target.arrays and not (is_traced(named.leaves) or target.holds(named)):
            self._say(_TWINS)

    def _paired(self, target: Target) -> Pairs:
        """Return a set's parameters, named after their variable too where others have the name."""
        others = [each for each in self._all if each is not target]
        taken = set(chain.from_iterable(each.names for each in others))
        called = set(chain.from_iterable(each.variables for each in others))
        own = next((v for v in target.variables if v not in called), None)
        before = "" if own is None or taken.isdisjoint(target.names) else f"{own}."
        given = zip(target.names, target.forms, strict=True)
        return [(before + name, Leaf(form)) for name, form in given]


def shapes_of(forms: tuple[Form, ...]) -> Shapes:
    """Return shapes without types."""
    return tuple(form.shape for form in forms)


def variables_of(tree: Any) -> tuple[str, ...]:
    """Return what the program that calls this calls a value, from within to without.

    Args:
        tree: The value.
    """
    found: list[str] = []
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - Python has no other way
    while frame is not None:
        library = str(frame.f_globals.get("__name__", "")).split(".", maxsplit=1)[0]
        if library not in _LIBRARIES:
            found += [name for name, value in frame.f_locals.items() if value is tree]
        frame = frame.f_back
    return tuple(found)

"""Names of variables that are told apart by them."""

from collections.abc import Sequence
from typing import Any
from weakref import ref


class Names:
    """Gives each variable a name of its own, once.

    Example:
        >>> class Variable:
        ...     name = "dense/kernel:0"
        >>> first, second = Variable(), Variable()
        >>> names = Names()
        >>> names.of([first, second]), names.of([second])
        (('dense/kernel', 'dense/kernel_1'), ('dense/kernel_1',))
    """

    def __init__(self) -> None:
        self._taken: dict[str, ref[Any]] = {}
        self._known: dict[int, tuple[ref[Any], str]] = {}

    def of(self, variables: Sequence[Any]) -> tuple[str, ...]:
        """Return the names of variables."""
        return tuple(map(self._name, variables))

    def _name(self, variable: Any) -> str:
        reference, name = self._known.get(id(variable), (None, ""))
        if reference is None or reference() is not variable:
            name = self._free(str(getattr(variable, "path", variable.name)).removesuffix(":0"))
            reference = ref(variable)
            self._taken[name], self._known[id(variable)] = reference, (reference, name)
        return name

    def _free(self, wanted: str) -> str:
        """Return a name that no other variable has."""
        name, number = wanted, 0
        while name in self._taken and self._taken[name]() is not None:
            number += 1
            name = f"{wanted}_{number}"
        return name

"""What an optimizer of TensorFlow 1 trains."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, ref

from gradclip.instrumenting.naming import names_of
from gradclip.instrumenting.tensorflow.values import value


class Trained:
    """Variables that an optimizer steps, which are not kept alive.

    Args:
        optimizer: The optimizer.
        variables: Its variables.

    Attributes:
        kind: The optimizer's class.
        names: What its variables are called.
        ring: Where its compiled steps are kept; None where there are none.
        driver: What clips as `--clip` asks and steps; None where nothing does.
    """

    def __init__(self, optimizer: Any, variables: Sequence[Any]) -> None:
        self.kind = type(optimizer).__name__
        self.names = names_of(variables)
        self._variables = [ref(variable) for variable in variables]
        self.ring: Any = None
        self.driver: Any = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def parameters(self) -> list[tuple[str, Any]]:
        """What it trains: names and variables, None for one that is gone when steps are read."""
        return [(name, known()) for name, known in zip(self.names, self._variables, strict=True)]

    @property
    def exists(self) -> bool:
        """Whether all variables do."""
        return all(known() is not None for known in self._variables)

    def weights(self) -> list[Any]:
        """Return its variables' values on the host, which later steps do not change."""
        return [value(known) for _, known in self.parameters if known is not None]


class Optimizers:
    """All optimizers of TensorFlow 1 in a program."""

    def __init__(self) -> None:
        self._alive: WeakSet[Any] = WeakSet()
        self._known: WeakKeyDictionary[Any, dict[tuple[int, ...], Trained]] = WeakKeyDictionary()

    def add(self, optimizer: Any) -> None:
        """Get to know an optimizer that was made."""
        self._alive.add(optimizer)

    def of(self, optimizer: Any, variables: Sequence[Any]) -> Trained:
        """Return what an optimizer trains that steps these variables."""
        known = self._known.setdefault(optimizer, {})
        key = tuple(map(id, variables))
        found = known.get(key)
        if found is None or not found.exists:
            found = known[key] = Trained(optimizer, variables)
        return found

    def single(self) -> bool:
        """Tell whether there is one alone."""
        return len(self._alive) <= 1

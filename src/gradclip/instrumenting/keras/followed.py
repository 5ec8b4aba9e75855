"""The Keras optimizers that there are, and what each of them trains."""

import math
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, ref

import keras
from numpy.typing import NDArray

from gradclip.instrumenting.naming import names_of

Value = Callable[[Any], NDArray[Any]]


class Followed:
    """One optimizer, which is not kept alive.

    Args:
        optimizer: The optimizer, built.
        value: What returns a variable's value on the host.

    Attributes:
        kind: Its class.
        names: What its variables are called.
        ring: Where its compiled steps are kept; None where there are none.
    """

    def __init__(self, optimizer: Any, value: Value) -> None:
        self._optimizer = ref(optimizer)
        self._value = value
        self.kind = type(optimizer).__name__
        variables = list(optimizer._trainable_variables)  # noqa: SLF001 - Keras names it no other way
        self._variables = [ref(variable) for variable in variables]
        self.names = names_of(variables)
        self.ring: Any = None
        self._batches: list[float] = []  # losses of batches whose gradients are accumulated

    def __len__(self) -> int:
        return len(self.names)

    @property
    def parameters(self) -> list[tuple[str, Any]]:
        """What it trains: names and variables, None in place of those that are gone."""
        return [(n, v()) for n, v in zip(self.names, self._variables, strict=True)]

    def placed(self, tensors: Sequence[Any], variables: Sequence[Any]) -> list[Any]:
        """Return a tensor for each of its variables; None where there is none."""
        optimizer, placed = self._optimizer(), [None] * len(self)
        for tensor, variable in zip(tensors, variables, strict=True):
            placed[optimizer._get_variable_index(variable)] = tensor  # type: ignore[union-attr]  # noqa: SLF001 - it steps
        return placed

    def keep_loss(self, loss: float | None) -> None:
        """Keep the loss of a batch whose gradient is accumulated."""
        self._batches.append(math.nan if loss is None else loss)

    def mean_loss(self, loss: float | None) -> float | None:
        """Return the mean of the losses that were kept; a loss as it is if there is none."""
        batches, self._batches = self._batches, []
        return sum(batches) / len(batches) if batches else loss

    def weights(self) -> list[Any]:
        """Return its variables' values on the host, which later steps do not change."""
        present = [variable for _, variable in self.parameters if variable is not None]
        return [self._value(variable) for variable in present]


class Optimizers:
    """All optimizers of a program, those inside of others alone.

    Args:
        value: What returns a variable's value on the host; by default Keras' own way.
    """

    def __init__(self, value: Value | None = None) -> None:
        self._value = value or _value
        self._alive: WeakSet[Any] = WeakSet()
        self._followed: WeakKeyDictionary[Any, Followed] = WeakKeyDictionary()

    def add(self, optimizer: Any) -> None:
        """Get to know an optimizer that was made."""
        self._alive.add(optimizer)

    def of(self, optimizer: Any) -> Followed:
        """Return what is followed of an optimizer that steps."""
        followed = self._followed.get(optimizer)
        if followed is None:
            followed = self._followed[optimizer] = Followed(optimizer, self._value)
        return followed

    def trained(self) -> list[tuple[Any, list[Any]]]:
        """Return those that are built, each with its variables."""
        built = [optimizer for optimizer in self._alive if optimizer.built]
        return [(each, list(each._trainable_variables)) for each in built]  # noqa: SLF001 - as above

    def train(self, shapes: Sequence[tuple[int, ...]]) -> bool:
        """Tell whether one of them trains variables of these shapes, and no others."""
        wanted = list(map(tuple, shapes))
        return any([tuple(v.shape) for v in each] == wanted for _, each in self.trained())

    def single(self) -> bool:
        """Tell whether there is one alone."""
        return sum(not hasattr(optimizer, "inner_optimizer") for optimizer in self._alive) <= 1


def _value(variable: Any) -> NDArray[Any]:
    """Return what a variable holds, which later steps do not change."""
    array: NDArray[Any] = keras.ops.convert_to_numpy(variable)
    return array if array.flags.owndata else array.copy()

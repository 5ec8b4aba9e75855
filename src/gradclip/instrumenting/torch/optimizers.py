"""The optimizers that there are, and what they train."""

from typing import Any
from weakref import WeakKeyDictionary, ref

from torch import Tensor
from torch.optim import Optimizer
from torch.utils.weak import TensorWeakRef

from gradclip.instrumenting.torch.distributed import Placement, placement
from gradclip.instrumenting.torch.flat import whole
from gradclip.instrumenting.torch.looking import Found, Looked, Looks
from gradclip.instrumenting.torch.names import name_parameters
from gradclip.instrumenting.torch.roots import live_optimizers


class Trained:
    """The parameters of one optimizer, each once, and their names.

    Args:
        optimizer: The optimizer, which is not kept alive.

    Attributes:
        parameters: The parameters as they were at the last `refresh`.
        names: Their names; none before a fleet has named them.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = ref(optimizer)
        self._identities: list[int] = []  # as the groups have them
        self._known: dict[int, Tensor] = {}
        self._placement: Placement | None = None
        self._looks: Looks | None = None
        self.parameters: list[Tensor] = []
        self.names: tuple[str, ...] = ()

    def refresh(self) -> bool:
        """Look at the optimizer's groups again, and return whether they have changed."""
        optimizer = self._optimizer()
        groups = [] if optimizer is None else optimizer.param_groups
        identities = [id(p) for group in groups for p in group["params"]]
        if identities == self._identities:
            return False
        self._identities = identities
        self._known = found = {id(p): p for group in groups for p in group["params"]}
        self.parameters = list(found.values())
        self.names = ()
        self._placement = self._looks = None
        return True

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer, while there is one."""
        return self._optimizer()

    @property
    def placement(self) -> Placement:
        """Where the parameters are; asked for late, since processes may meet late."""
        if self._placement is None:
            self._placement = placement(self.parameters)
        return self._placement

    def look(self, factor: Any = 1.0) -> Found | Looked:
        """Look once at the gradients, those of it that this process is to tell of.

        Args:
            factor: What takes the scale of a scaled loss from them, ().

        Returns:
            What was found.
        """
        if self._looks is None:
            self._looks = Looks(self.parameters, self.placement)
        return self._looks.look(factor)

    def read(self) -> tuple[list[Tensor], tuple[str, ...]]:
        """Return the parameters and their names."""
        return self.parameters, self.names

    def name(self, names: dict[int, str]) -> None:
        """Take over the names of the parameters with these identities."""
        self.names = tuple(names[key] for key in self._known)

    def trains(self, identities: set[int]) -> bool:
        """Tell whether one of the parameters with these identities is among its own."""
        return not self._known.keys().isdisjoint(identities)

    def trains_only(self, identities: set[int]) -> bool:
        """Tell whether it trains none but parameters with these identities."""
        return self._known.keys() <= identities

    def shares(self, other: "Trained") -> bool:
        """Tell whether another optimizer trains one of its parameters as well."""
        return other is self or not self._known.keys().isdisjoint(other._known)  # noqa: SLF001 - of its kind

    def within(self, other: "Trained") -> bool:
        """Tell whether another optimizer trains all of its parameters."""
        return self._known.keys() <= other._known.keys()  # noqa: SLF001 - of its kind


class Fleet:
    """All optimizers of a program.

    Attributes:
        version: How often the parameters have been named: it rises when there are new ones.
    """

    def __init__(self) -> None:
        self.version = 0
        self._trained: WeakKeyDictionary[Optimizer, Trained] = WeakKeyDictionary()
        self._names: dict[int, tuple[TensorWeakRef, str]] = {}
        self._latest: ref[Trained] | None = None  # the last one that was asked of
        self._searched = False
        self._counted = 0  # of how many it is known how many are distinct
        self._distinct = 0

    def of(self, optimizer: Optimizer) -> Trained:
        """Return what an optimizer trains, with names."""
        trained = None if self._latest is None else self._latest()
        if trained is None or trained.optimizer is not optimizer:
            trained = self._known(optimizer)
            self._latest = ref(trained)
        if trained.refresh() or not trained.names:
            self._counted = 0
            self._name(trained)
        return trained

    def exists(self) -> bool:
        """Tell whether there are optimizers."""
        return (self._latest is not None and self._latest() is not None) or bool(self.all())

    def all(self) -> list[Trained]:
        """Return what all optimizers train that are known."""
        self._search()
        return list(self._trained.values())

    def add(self, optimizer: Optimizer) -> None:
        """Get to know an optimizer that has just been made."""
        if self._searched:
            self._add(optimizer).refresh()

    def named(self) -> list[tuple[str, Tensor]]:
        """Return all names, and tensors of the parameters' whole shapes."""
        pairs = [(name, reference()) for reference, name in self._names.values()]
        present = [(name, parameter) for name, parameter in pairs if parameter is not None]
        if not self.placement.flat:
            return present
        names, parameters = zip(*present, strict=True)
        return list(zip(names, whole(parameters), strict=True))

    @property
    def placement(self) -> Placement:
        """Where the parameters are: sharded if those of one optimizer are."""
        placements = [trained.placement for trained in self._trained.values()]
        return max(placements, key=lambda found: found.sharded)

    def describe(self) -> str:
        """Return the optimizers' classes."""
        return ", ".join(dict.fromkeys(type(o).__name__ for o in _distinct(self._trained)))

    def distinct(self) -> int:
        """Return how many optimizers there are, without those that wrap others."""
        if self._counted != len(self._trained):
            self._counted, self._distinct = len(self._trained), len(_distinct(self._trained))
        return self._distinct

    def _known(self, optimizer: Optimizer) -> Trained:
        known = self._trained.get(optimizer)
        if known is None:
            self._search()
            known = self._add(optimizer)
        return known

    def _add(self, optimizer: Optimizer) -> Trained:
        if optimizer not in self._trained:
            self._trained[optimizer] = Trained(optimizer)
        return self._trained[optimizer]

    def _search(self) -> None:
        """Find all optimizers, once: later ones tell of themselves."""
        if self._searched:
            return
        self._searched = True
        for optimizer in live_optimizers():
            if _steps_itself(optimizer):
                self._add(optimizer).refresh()

    def _name(self, trained: Trained) -> None:
        """Name the parameters of an optimizer, and with new ones those of all: they may differ."""
        if not all(map(self._is_known, trained.parameters)):
            self.version += 1
            for one in self._trained.values():
                one.refresh()
            named = name_parameters(_distinct(self._trained))
            self._names = {id(p): (TensorWeakRef(p), name) for name, p in named}
        for one in self._trained.values():
            if all(map(self._is_known, one.parameters)):
                one.name({key: name for key, (_, name) in self._names.items()})

    def _is_known(self, parameter: Tensor) -> bool:
        """Tell whether a parameter has a name: an identity alone may be one of another's."""
        reference, _ = self._names.get(id(parameter), (None, ""))
        return reference is not None and reference() is parameter


def _distinct(trained: WeakKeyDictionary[Optimizer, Trained]) -> list[Optimizer]:
    """Return the optimizers without those that train a part of what another one does."""
    kept: dict[Optimizer, Trained] = {}
    for optimizer, one in sorted(trained.items(), key=lambda item: -len(item[1].parameters)):
        if not any(one.within(other) for other in kept.values()):
            kept[optimizer] = one
    return [optimizer for optimizer in trained if optimizer in kept]


def unwrapped(optimizer: Any) -> Optimizer | None:
    """Return the optimizer that steps, of one that may only hold it; None if there is none."""
    while not _steps_itself(optimizer) and hasattr(optimizer, "optimizer"):
        optimizer = optimizer.optimizer
    return optimizer if isinstance(optimizer, Optimizer) else None


def _steps_itself(optimizer: Any) -> bool:
    """Tell whether an optimizer has hooks of its own: those that only hold another one have not."""
    return "_optimizer_step_pre_hooks" in getattr(optimizer, "__dict__", {})

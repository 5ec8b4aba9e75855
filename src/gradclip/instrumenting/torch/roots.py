"""The models that there are: modules that are no other module's part, found among all objects."""

import gc
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from torch import Tensor
from torch.fx import GraphModule
from torch.nn import Module
from torch.optim import Optimizer

from gradclip.instrumenting.torch.variables import variables
from gradclip.torch.names import named_parameters, wrapped


class Root:
    """A model that is no part of another one.

    Args:
        module: The outermost module, which may be a wrapper.

    Attributes:
        module: The user's own module.
        identities: Those of that module and of what wraps it.
    """

    def __init__(self, module: Module) -> None:
        self.identities = {id(module)}
        while (inner := wrapped(module)) is not None:
            module = inner
            self.identities.add(id(module))
        self.module = module

    @property
    def traced(self) -> bool:
        """Whether a compiler made it, perhaps of the parameters of another one."""
        return isinstance(self.module, GraphModule)

    @cached_property
    def parameters(self) -> dict[int, tuple[str, Tensor]]:
        """Its parameters and their names, by their identities."""
        return {id(p): (name, p) for name, p in named_parameters(self.module)}


def roots() -> list[Root]:
    """Return all models that there are, each that is no other one's part.

    They are searched for once rather than watched as they are made: what is unpickled or copied
    is never registered, and whoever makes modules does not pay for it.
    """
    return _outermost(instances_of(Module))


def roots_in_variables() -> list[Root]:
    """Return the models that variables hold: what was hidden by `gc.freeze` is found by these."""
    found = [value for _, value in variables() if issubclass(type(value), Module)]
    inside = {id(m): m for module in found for m in module.modules()}
    return _outermost(inside.values())


def live_optimizers() -> list[Optimizer]:
    """Return all optimizers that there are."""
    found: list[Optimizer] = instances_of(Optimizer)
    return found


def instances_of(kind: type) -> list[Any]:
    """Return the objects of a class and of those derived from it, without asking the objects.

    An object may pretend to be of a class, or compute that at a price.

    Args:
        kind: The class.
    """
    kinds = set(_with_derived(kind))
    return [x for x in gc.get_objects() if type(x) in kinds]


def _with_derived(kind: type) -> Iterator[type]:
    """Yield a class and those derived from it, some of them more than once."""
    yield kind
    derived: type
    for derived in type.__subclasses__(kind):
        yield from _with_derived(derived)


def _outermost(modules: Iterable[Module]) -> list[Root]:
    """Return those that are no other one's part."""
    made = [m for m in modules if "_modules" in vars(m)]  # others are being made
    parts = {id(part) for m in made for part in m._modules.values()}  # noqa: SLF001 - the fastest
    return [Root(m) for m in made if id(m) not in parts]

"""What the parameters of an optimizer are called."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.parallel import DataParallel, DistributedDataParallel

# What a wrapper calls the module that it wraps: of any class, and of classes of these names.
_WRAPPED = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
_WRAPPED_BY_CLASS = {"DeepSpeedEngine": "module", "_FabricModule": "_forward_module"}


class NamedParameters:
    """An optimizer's parameters, each once, and their names.

    Args:
        optimizer: The optimizer.
        model: What names the parameters. Those it lacks, and all without a model, are called
            what the optimizer's groups call them, else "group0.param3" by their places.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, model: torch.nn.Module | None = None
    ) -> None:
        self._optimizer = optimizer
        self._model = model
        self._known: dict[int, str] = {}
        self._names: tuple[str, ...] = ()

    def read(self) -> tuple[list[Tensor], tuple[str, ...]]:
        """Return the parameters as they are now, in the order of the groups, and their names."""
        groups = self._optimizer.param_groups
        parameters = {id(p): p for group in groups for p in group["params"]}
        if parameters.keys() != self._known.keys():
            self._known = self._named(parameters)
            self._names = tuple(self._known.values())
        return list(parameters.values()), self._names

    def _named(self, parameters: dict[int, Tensor]) -> dict[int, str]:
        """Return the name of each parameter by its identity."""
        names: dict[int, str] = {}
        for g, group in enumerate(self._optimizer.param_groups):
            given = group.get("param_names") or ()
            for i, p in enumerate(group["params"]):
                name = given[i] if i < len(given) else f"group{g}.param{i}"
                names.setdefault(id(p), name)
        if self._model is not None:
            for name, p in named_parameters(self._model):
                if id(p) in names:
                    names[id(p)] = name
        return {key: names[key] for key in parameters}


def named_parameters(model: Module) -> Iterator[tuple[str, Tensor]]:
    """Yield a model's parameters, each once, as the user's own module names them.

    Args:
        model: The model; what wraps it, or a part of it, leaves no trace in the names.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.DataParallel(torch.nn.Linear(2, 1)))
        >>> [name for name, _ in named_parameters(model)]
        ['0.weight', '0.bias']
    """
    seen: set[int] = set()
    for prefix, module in _named_modules(model, "", set()):
        for name, p in module._parameters.items():  # noqa: SLF001 - wrappers rename the others
            if p is not None and id(p) not in seen:
                seen.add(id(p))
                yield prefix + name, p


def wrapped(module: Module) -> Module | None:
    """Return the module that a wrapper wraps; None if it is no wrapper."""
    name = _name_of_wrapped(module)
    return None if name is None else module._modules[name]  # noqa: SLF001 - as above


def _named_modules(module: Module, prefix: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
    """Yield modules, each once, and what their parameters' names begin with."""
    seen.add(id(module))
    yield prefix, module
    unnamed = _name_of_wrapped(module)
    for name, child in module._modules.items():  # noqa: SLF001 - with those that are None
        if child is not None and id(child) not in seen:
            yield from _named_modules(
                child, prefix if name == unnamed else f"{prefix}{name}.", seen
            )


def _name_of_wrapped(module: Module) -> str | None:
    """Return what a wrapper calls the module that it wraps; None if it is no wrapper."""
    names = list(_WRAPPED)
    if isinstance(module, DataParallel | DistributedDataParallel):
        names.append("module")
    else:
        names += [_WRAPPED_BY_CLASS.get(c.__name__, "") for c in type(module).__mro__]
    return next((name for name in names if name in module._modules), None)  # noqa: SLF001 - as above

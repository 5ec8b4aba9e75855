"""What the parameters of an optimizer are called."""

import torch
from torch import Tensor
from torch.nn.parallel import DataParallel, DistributedDataParallel

_WRAPPERS = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")


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
        if isinstance(model, DataParallel | DistributedDataParallel):
            self._model = model.module  # the wrapper calls everything module.something
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
            for name, p in self._model.named_parameters():
                if id(p) in names:
                    names[id(p)] = _bare(name)
        return {key: names[key] for key in parameters}


def _bare(name: str) -> str:
    """Return a name as the user's own module gives it."""
    for wrapper in _WRAPPERS:
        name = name.replace(wrapper, "")
    return name

"""What the parameters of optimizers are called: as the outermost model names them."""

from collections import Counter
from collections.abc import Sequence

from torch import Tensor
from torch.optim import Optimizer

from gradclip.instrumenting.torch.roots import Root, roots, roots_in_variables
from gradclip.instrumenting.torch.variables import variables_of


def name_parameters(optimizers: Sequence[Optimizer]) -> list[tuple[str, Tensor]]:
    """Return the parameters of optimizers and their names, no two of them the same.

    The names are those of `named_parameters()` of the outermost model. Where there are several,
    each one's begin with the variable that holds it, or with its class. A tensor that no module
    has is called by its variable, or by its place in the optimizer.

    Args:
        optimizers: All those that one run is of.

    Returns:
        The names and parameters in the order of the optimizers' groups, each parameter once.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(2, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> [name for name, _ in name_parameters([optimizer])]
        ['weight', 'bias']
    """
    places = _places(optimizers)
    return name_tensors([p for p, _ in places.values()], [name for _, name in places.values()])


def name_tensors(tensors: Sequence[Tensor], places: Sequence[str]) -> list[tuple[str, Tensor]]:
    """Return tensors and their names, as `name_parameters` does for those of no optimizer.

    Args:
        tensors: The tensors, each once.
        places: What they are called where nothing else tells.
    """
    names = _names_in_models({id(t): t for t in tensors})
    rest = {id(t): place for t, place in zip(tensors, places, strict=True) if id(t) not in names}
    if rest:
        names |= rest | variables_of({key for key, place in rest.items() if _is_place(place)})
    return list(zip(distinct([names[id(t)] for t in tensors]), tensors, strict=True))


def distinct(names: Sequence[str]) -> list[str]:
    """Return names of which each is there once: those that are equal are numbered.

    Example:
        >>> distinct(["linear", "head", "linear"])
        ['linear1', 'head', 'linear2']
    """
    counts, seen, taken = Counter(names), Counter[str](), set(names)
    found = []
    for name in names:
        numbered = name
        while counts[name] > 1 and numbered in taken:
            seen[name] += 1
            numbered = f"{name}{seen[name]}"
        taken.add(numbered)
        found.append(numbered)
    return found


def _places(optimizers: Sequence[Optimizer]) -> dict[int, tuple[Tensor, str]]:
    """Return the parameters by their identities, and what their optimizers call them."""
    found: dict[int, tuple[Tensor, str]] = {}
    for number, optimizer in enumerate(optimizers):
        before = f"optimizer{number}." if len(optimizers) > 1 else ""
        for g, group in enumerate(optimizer.param_groups):
            given = group.get("param_names") or ()
            for i, p in enumerate(group["params"]):
                name = given[i] if i < len(given) else f"{before}group{g}.param{i}"
                found.setdefault(id(p), (p, name))
    return found


def _is_place(name: str) -> bool:
    """Tell whether a name is only a place, so that a variable's is better."""
    return name.rpartition(".")[2].removeprefix("param").isdecimal()


def _names_in_models(wanted: dict[int, Tensor]) -> dict[int, str]:
    """Return what models call tensors, by identity; those that no model has are missing."""
    chosen = _cover(set(wanted), roots())
    missing = wanted.keys() - {key for _, keys in chosen for key in keys}
    if missing:
        chosen += _cover(missing, roots_in_variables())
    order = {key: place for place, key in enumerate(wanted)}
    chosen.sort(key=lambda pair: min(order[key] for key in pair[1]))
    prefixes = _prefixes([root for root, _ in chosen])
    return {
        key: prefix + root.parameters[key][0]
        for (root, keys), prefix in zip(chosen, prefixes, strict=True)
        for key in keys
    }


def _cover(wanted: set[int], candidates: Sequence[Root]) -> list[tuple[Root, set[int]]]:
    """Return models that have the tensors, and those that each is to name: as few as there may be.

    Of two that have as many, that is the one which a variable holds, and no compiler made.
    """
    having = [root for root in candidates if wanted & root.parameters.keys()]
    held = _held(having)
    chosen = []
    while having and wanted:
        best = max(
            having,
            key=lambda root: (
                len(wanted & root.parameters.keys()),
                id(root.module) in held,
                not root.traced,
            ),
        )
        keys = wanted & best.parameters.keys()
        if not keys:
            break
        chosen.append((best, keys))
        wanted = wanted - keys
    return chosen


def _held(found: Sequence[Root]) -> dict[int, str]:
    """Return the variables that hold models, by identity; none for a single one, who needs none."""
    if len(found) < 2:  # noqa: PLR2004 - several
        return {}
    names = variables_of(set().union(*(root.identities for root in found)))
    held = ((root, [names[key] for key in root.identities if key in names]) for root in found)
    return {id(root.module): min(given, key=len) for root, given in held if given}


def _prefixes(found: Sequence[Root]) -> list[str]:
    """Return what the names of each model's parameters begin with: nothing if there is one."""
    if len(found) < 2:  # noqa: PLR2004 - several
        return [""] * len(found)
    held = _held(found)
    names = [held.get(id(root.module)) or type(root.module).__name__.lower() for root in found]
    return [f"{name}." for name in distinct(names)]

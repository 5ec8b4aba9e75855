"""What can be known of a training program without being told."""

import platform
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from gradclip.errors import ConfigurationError
from gradclip.record import program as what_runs
from gradclip.record.schema import Json, Metadata, Parameter

_FRAMEWORKS = {
    "torch": "torch",
    "tensorflow": "tensorflow",
    "jaxlib": "jax",
    "jax": "jax",
    "keras": "keras",
}


def describe(
    parameters: Any,
    policy: object = None,
    program: str | None = None,
    arguments: Mapping[str, Json] | None = None,
    seed: int | None = None,
) -> Metadata:
    """Return a run's metadata.

    Args:
        parameters: Pairs of names and tensors, or a mapping.
        policy: What clips, a text or anything whose `repr` says it.
        program: What is run; by default the script's name, or the notebook's.
        arguments: Its arguments; by default those of the command line.
        seed: The seed, if there is one.

    Raises:
        ConfigurationError: `parameters` are something else.
    """
    pairs = list(_pairs(parameters))
    framework = _framework(pairs)
    return Metadata(
        program=program or what_runs.program(),
        arguments=dict(arguments) if arguments is not None else {"argv": what_runs.arguments()},
        framework=framework,
        framework_version=str(getattr(sys.modules.get(framework), "__version__", "")),
        gradclip=str(getattr(sys.modules.get("gradclip"), "__version__", "")),
        python=platform.python_version(),
        device=str(getattr(pairs[0][1], "device", "cpu")) if pairs else "cpu",
        parameters=tuple(Parameter(name, tuple(map(int, t.shape))) for name, t in pairs),
        policy=policy if policy is None or isinstance(policy, str) else repr(policy),
        seed=seed,
    )


def _pairs(parameters: Any) -> Iterable[tuple[str, Any]]:
    """Return names and tensors.

    Raises:
        ConfigurationError: They are something else.
    """
    try:
        given = parameters.items() if isinstance(parameters, Mapping) else list(parameters)
        pairs = [(name, tensor) for name, tensor in given]
    except (TypeError, ValueError) as error:
        raise ConfigurationError(_message(type(parameters).__name__)) from error
    for name, tensor in pairs:
        if not isinstance(name, str) or not hasattr(tensor, "shape"):
            raise ConfigurationError(_message(f"{name!r} and a {type(tensor).__name__}"))
    return pairs


def _message(given: str) -> str:
    return (
        "`parameters` must be pairs of names and tensors, such as model.named_parameters(), or a "
        f"mapping of them, got {given}."
    )


def _framework(pairs: list[tuple[str, Any]]) -> str:
    """Return whose the tensors are."""
    kinds = [type(tensor).__mro__ for _, tensor in pairs[:1]]
    modules = [base.__module__.partition(".")[0] for mro in kinds for base in mro]
    return next((_FRAMEWORKS[m] for m in modules if m in _FRAMEWORKS), "numpy")

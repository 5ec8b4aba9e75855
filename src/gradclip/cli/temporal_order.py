"""The demo's second task: which of its options it takes, and what it trains by default."""

from dataclasses import fields
from typing import Any

import click
from click.core import ParameterSource

from gradclip.errors import ConfigurationError
from gradclip.experiments.recurrent.experiment import TemporalOrder

TEMPORAL_ORDER = "temporal-order"
_OWN = {field.name for field in fields(TemporalOrder)} - {"framework", "clipper", "init"}
_COMMON = {"task", "out", "compare"}
_VARIANTS: dict[str, dict[str, str]] = {"clip": {}, "no-clip": {"clip": "none"}}


def temporal_order_experiments(compare: tuple[str, ...] | None) -> dict[str, TemporalOrder]:
    """Return the experiments that the current command line asks for, by their folders' names.

    Args:
        compare: What to compare; by default clipping and no clipping, or the one clipping that
            is asked for.

    Raises:
        ConfigurationError: An option belongs to the other task, or its value is wrong.
    """
    given = _given()
    strangers = sorted(set(given) - _OWN - _COMMON)
    if strangers:
        options = ", ".join("--" + name.replace("_", "-") for name in strangers)
        known = ", ".join("--" + name.replace("_", "-") for name in sorted(_OWN))
        msg = f"--task {TEMPORAL_ORDER} takes {known}, --out and --compare, got {options}."
        raise ConfigurationError(msg)
    choices = {name: value for name, value in given.items() if name in _OWN}
    names = compare or (("",) if "clip" in choices else tuple(_VARIANTS))
    if not set(names) <= {"", *_VARIANTS}:
        msg = f"--task {TEMPORAL_ORDER} compares {' and '.join(_VARIANTS)}, got {', '.join(names)}."
        raise ConfigurationError(msg)
    return {name: TemporalOrder(**{**choices, **_VARIANTS.get(name, {})}) for name in names}


def refuse_options_of_temporal_order() -> None:
    """Raise if an option was given that the usual task does not have.

    Raises:
        ConfigurationError: It was.
    """
    if "length" in _given():
        msg = f"--length belongs to --task {TEMPORAL_ORDER}, got it without."
        raise ConfigurationError(msg)


def _given() -> dict[str, Any]:
    """Return the options that stand on the command line."""
    context = click.get_current_context()
    stated = ParameterSource.COMMANDLINE
    return {k: v for k, v in context.params.items() if context.get_parameter_source(k) == stated}

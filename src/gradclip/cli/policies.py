"""`gradclip policies`: what `--clip` takes."""

import inspect
from dataclasses import MISSING, Field, fields
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from gradclip.core.policies.resolve import METHODS

# What is written where the paper gives no number: each clips a usual training now and then.
_EXAMPLES = {
    "global-norm": "global-norm=1",
    "norm": "norm=1",
    "average-norm": "average-norm=0.001",
    "block-rms": "block-rms=1",
    "value": "value=0.5",
    "agc": "agc=0.01,eps=1e-3",
    "autoclip": "autoclip=90",
    "zclip": "zclip=2.5,decay=0.97",
    "adagc": "adagc,warmup=50",
    "spam": "spam,reset_every=none",
}


@click.command()
def policies() -> None:
    """List what --clip takes: every policy, its parameters and their defaults.

    The first parameter follows the name, others follow by theirs: zclip=3,decay=0.99.

    \b
    Examples:
      gradclip policies
      gradclip run --clip zclip=3,decay=0.99 train.py
      gradclip demo --clip agc
    """  # noqa: D301  # \b keeps click from filling the examples
    console = Console(highlight=False, emoji=False, markup=False)
    if console.is_terminal:
        console.print(_table())
        console.print("The first parameter follows the name, others by theirs.", style="dim")
        return
    for name, kind in METHODS.items():
        click.echo(f"{name}\t{_duty(kind)}\t{_parameters(kind)}\t--clip {_EXAMPLES[name]}")


def _table() -> Table:
    """Return a row for each policy."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("policy", no_wrap=True)
    table.add_column("what it does")
    table.add_column("parameters")
    table.add_column("--clip", no_wrap=True, min_width=max(map(len, _EXAMPLES.values())))
    for name, kind in METHODS.items():
        table.add_row(name, _duty(kind), _parameters(kind), _EXAMPLES[name])
    return table


def _duty(kind: type) -> str:
    """Return what a policy does, in a sentence."""
    return (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ").replace("`", "")


def _parameters(kind: type) -> str:
    """Return a policy's parameters with their defaults."""
    return ", ".join(_parameter(field) for field in fields(kind))


def _parameter(field: Field[Any]) -> str:
    """Return a parameter and its default; its name alone where it must be given."""
    if field.default is MISSING:
        return field.name
    return f"{field.name}={'none' if field.default is None else f'{field.default:g}'}"

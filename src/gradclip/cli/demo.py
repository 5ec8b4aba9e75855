"""`gradclip demo`: trains the reference experiment before one's eyes."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar, get_args

import click

from gradclip.cli.environment import quiet_frameworks
from gradclip.cli.options import Names, Widths
from gradclip.cli.screen import Screen
from gradclip.cli.session import Session
from gradclip.cli.temporal_order import (
    TEMPORAL_ORDER,
    refuse_options_of_temporal_order,
    temporal_order_experiments,
)
from gradclip.experiments.data import load_mnist
from gradclip.experiments.experiment import (
    Activation,
    Clipper,
    Experiment,
    Framework,
    Init,
    Loss,
    Optimizer,
)
from gradclip.experiments.models import network_class
from gradclip.experiments.recurrent.training import TemporalOrderTraining
from gradclip.experiments.training import Training
from gradclip.instrumenting.directory import free_directory

_Command = TypeVar("_Command", bound=Callable[..., object])
_DEFAULTS = Experiment()
VARIANTS: Mapping[str, Mapping[str, str]] = {
    "clip": {"clipper": "gradclip"},
    "no-clip": {"clip": "none", "clipper": "gradclip"},
    "native": {"clipper": "native"},
}


def _choice(name: str, values: object, text: str) -> Callable[[_Command], _Command]:
    """Return an option that takes one of a literal's values."""
    choices = click.Choice(get_args(values))
    return click.option(name, type=choices, default=getattr(_DEFAULTS, name[2:]), help=text)


@click.command(context_settings={"show_default": True})
@click.option(
    "--task",
    type=click.Choice(["mnist", TEMPORAL_ORDER]),
    default="mnist",
    help="What is learned; temporal-order has options of its own: see the manual.",
)
@click.option("--length", type=int, help="Symbols a sequence, of temporal-order.", metavar="N")
@_choice("--framework", Framework, "What computes.")
@click.option("--epochs", type=int, default=_DEFAULTS.epochs, help="Passes over the images.")
@click.option("--steps", type=int, help="Stop after so many batches.", metavar="N")
@click.option("--batch-size", type=int, default=_DEFAULTS.batch_size, help="Images a batch.")
@click.option("--lr", type=float, default=_DEFAULTS.lr, help="Learning rate.")
@_choice("--optimizer", Optimizer, "What makes steps of gradients.")
@click.option(
    "--hidden",
    type=Widths(),
    default=",".join(map(str, _DEFAULTS.hidden)),
    help="Widths of the hidden layers.",
)
@click.option("--depth", type=int, help="So many hidden layers, each as wide as the last one.")
@_choice("--activation", Activation, "What stands between the layers.")
@_choice("--init", Init, "How weights are drawn.")
@_choice("--loss", Loss, "What is made small.")
@click.option(
    "--input-scale", type=float, default=_DEFAULTS.input_scale, help="Gray levels are divided by."
)
@click.option(
    "--clip",
    default=_DEFAULTS.clip,
    metavar="NAME[=LIMIT]",
    help="global-norm=, norm=, average-norm=, block-rms= or value= with a limit; agc, autoclip, "
    "zclip, adagc or spam with or without a number; or none.",
)
@_choice("--clipper", Clipper, "gradclip's clipping, or the framework's own.")
@click.option("--seed", type=int, default=_DEFAULTS.seed, help="Draws weights and batches.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="GRADCLIP_DATA",
    show_envvar=True,
    help="Folder of the four MNIST files.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the run.",
    show_default="runs/demo-1, demo-2, ...",
)
@click.option(
    "--compare",
    type=Names(tuple(VARIANTS)),
    metavar="NAMES",
    help="Train several from the same weights on the same batches: clip,no-clip or clip,native.",
)
def demo(
    *,
    task: str,
    data: Path | None,
    out: Path | None,
    compare: tuple[str, ...] | None,
    **choices: object,
) -> None:
    """Train a small network on MNIST and watch its gradients.

    Every hundred steps a table shows each parameter's gradient norm before and after clipping.
    The run and report.html, which opens offline in any browser, are written at the end, also
    after Ctrl-C.

    With `--task temporal-order` it is a recurrent network in NumPy, with clipping and without.

    \b
    Examples:
      gradclip demo
      gradclip demo --framework jax --clip norm=1 --steps 200
      gradclip demo --depth 30 --activation sigmoid
      gradclip demo --lr 3 --compare clip,no-clip
      gradclip demo --task temporal-order
    """  # noqa: D301  # \b keeps click from filling the examples
    quiet_frameworks()
    directory = out or free_directory(Path("runs"), "demo")
    # The whole command line is checked before anything is loaded or written.
    if task == TEMPORAL_ORDER:
        session = Session(start=TemporalOrderTraining, directory=directory, screen=Screen())
        click.get_current_context().exit(session.run(temporal_order_experiments(compare)))
    refuse_options_of_temporal_order()
    del choices["length"]
    experiments = {name: _vary(choices, VARIANTS[name]) for name in compare or ()}
    experiments = experiments or {"": _vary(choices, {})}
    network_class(str(choices["framework"]))
    start = partial(Training, data=load_mnist(data))
    session = Session(start=start, directory=directory, screen=Screen())
    click.get_current_context().exit(session.run(experiments))


def _vary(choices: Mapping[str, object], variant: Mapping[str, str]) -> Experiment:
    """Return the experiment that the options describe, with a variant's own choices."""
    return Experiment(**{**choices, **variant})  # type: ignore[arg-type]  # click has checked them

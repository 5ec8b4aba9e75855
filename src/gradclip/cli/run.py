"""`gradclip run`: a training script that nobody changed, followed."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import click

from gradclip.errors import ConfigurationError
from gradclip.instrumenting.directory import free_directory, refuse_used
from gradclip.instrumenting.launch import START, become, followed
from gradclip.instrumenting.settings import PREFIX, Settings

_Function = TypeVar("_Function", bound=Callable[..., object])
_RUNS = Path("runs")
_MODULE_OR_SCRIPT = re.compile(r"(?:^|\s)-m\s*([\w.]+)|([^\s/\\]+)\.py\b")


class _Command(click.Command):
    """A command whose options end where the program begins: what follows is the program's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what is ours, and leave the program in `ctx.args`."""
        place = self._program(args)
        super().parse_args(ctx, args[:place])
        ctx.args = args[place:]
        return ctx.args

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return what the usage line says."""
        return [*super().collect_usage_pieces(ctx), "SCRIPT | -m MODULE | -- COMMAND", "[ARGS]..."]

    def _program(self, args: Sequence[str]) -> int:
        """Return where the program begins: at `--`, at `-m` or at what is no option."""
        with_value = {
            name
            for option in self.params
            if isinstance(option, click.Option) and not option.is_flag
            for name in option.opts
        }
        place = 0
        while place < len(args) and args[place].startswith("-"):
            if args[place] in {"-", "--"} or args[place].startswith("-m"):
                break
            place += 2 if args[place] in with_value else 1
        return min(place, len(args))


def _option(name: str, **attributes: Any) -> Callable[[_Function], _Function]:
    """Return an option that can be given by a variable as well."""
    return click.option(f"--{name}", envvar=PREFIX + name.upper(), show_envvar=True, **attributes)


@click.command(cls=_Command)
@_option(
    "clip",
    metavar="POLICY",
    help="Clip every step's gradients besides, as `global-norm=1`; see `gradclip policies`.",
)
@_option(
    "steps",
    type=click.IntRange(min=1),
    metavar="N",
    help="End the program after so many steps.",
)
@_option(
    "every",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="K",
    help="Record every how many steps.",
)
@_option(
    "out",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Folder for the run.",
    show_default="runs/NAME-1, NAME-2, ... by the script's name",
)
@_option("quiet", is_flag=True, help="Say nothing at the end.")
@_option(
    "tensorboard",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write TensorBoard's files there too.",
)
@_option("serve", is_flag=True, help="Show the live page while training lasts.")
@click.option(
    "--print-env",
    is_flag=True,
    help="Print the environment variables that have any command followed, and run nothing.",
)
@click.pass_context
def run(
    ctx: click.Context,
    /,
    *,
    out: Path | None,
    tensorboard: Path | None,
    print_env: bool,
    **choices: object,
) -> None:
    """Run a training script that nobody changed, and record its gradients.

    Every parameter by its name, the gradients before and after clipping, the loss and the update
    go into a run, in PyTorch, Keras, TensorFlow and JAX. Standard streams, exit status, signals
    and results are the script's own, unless --clip changes its gradients. What follows SCRIPT,
    MODULE or COMMAND is never taken for an option of this command.

    \b
    Examples:
      gradclip run train.py --its-own --arguments
      gradclip run --clip global-norm=1.0 train.py
      gradclip run --steps 100 --out runs/short -m package.train --lr 3e-4
      gradclip run -- torchrun --nproc-per-node 2 train.py
      gradclip run --serve -- bash -c "python a.py; python b.py"
      eval "$(gradclip run --print-env)"
    """  # noqa: D301  # \b keeps click from filling the examples
    command = [] if print_env and not ctx.args else _command(ctx, ctx.args)
    directory = (out or free_directory(_RUNS, _name(command))).absolute()
    settings = Settings(
        out=str(directory),
        tensorboard=str(tensorboard.absolute()) if tensorboard else None,
        **choices,  # type: ignore[arg-type]  # click has checked them
    )
    if print_env:
        click.echo(_exports(settings.environment()))
        return
    refuse_used(directory)
    if directory.is_dir():
        directory.rmdir()  # it is empty: the first process that trains makes it and has it
    become(command, followed(os.environ, settings))


def _command(ctx: click.Context, program: Sequence[str]) -> list[str]:
    """Return the command that runs a program.

    Raises:
        ConfigurationError: There is no such thing.
    """
    if program and program[0] == "--":
        return _found(ctx, program[1:])
    if not program:
        ctx.fail("Nothing to run: name a script, -m MODULE or -- COMMAND.")
    if program[0].startswith("-m"):
        if program == ["-m"]:
            ctx.fail("Option '-m' requires a module.")
        return [sys.executable, *program]
    script = Path(program[0])
    if program[0] != "-" and not script.exists():
        raise ConfigurationError(_no_script(script))
    return [sys.executable, *program]


def _found(ctx: click.Context, command: Sequence[str]) -> list[str]:
    """Return a command that can be run.

    Raises:
        ConfigurationError: It is not found.
    """
    if not command:
        ctx.fail("Nothing to run: a command must follow --.")
    if shutil.which(command[0]) is None:
        msg = f"There is no command {command[0]!r}."
        raise ConfigurationError(msg)
    return list(command)


def _no_script(script: Path) -> str:
    """Return what to say of a script that does not exist."""
    if shutil.which(str(script)):
        return f"There is no script {str(script)!r}. For the command: gradclip run -- {script} ..."
    folder = script.parent
    there = [path.name for path in folder.glob("*.py")] if folder.is_dir() else []
    nearest = get_close_matches(script.name, there, n=1)
    hint = f" Did you mean {str(folder / nearest[0])!r}?" if nearest else ""
    return f"There is no script {str(script)!r}.{hint}"


def _name(command: Sequence[str]) -> str:
    """Return what a command's run is called.

    Example:
        >>> _name(["python", "-m", "pkg.train", "--lr", "1"]), _name(["torchrun", "a/train.py"])
        ('train', 'train')
    """
    found = _MODULE_OR_SCRIPT.search(" ".join(command))
    if found is None:
        return Path(command[-1]).stem if command else "run"
    module, script = found.groups()
    return script or module.removesuffix(".__main__").rpartition(".")[2]


def _exports(environ: Mapping[str, str]) -> str:
    """Return the lines by which a shell has what it starts followed."""
    lines = [f"export {name}={shlex.quote(text)}" for name, text in environ.items()]
    before = "${PYTHONPATH:+" + os.pathsep + "$PYTHONPATH}"
    return "\n".join([*lines, f'export PYTHONPATH={shlex.quote(str(START))}"{before}"'])

"""The `gradclip` command: finds its subcommands by name and loads the one that is asked for."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import click

from gradclip import __version__
from gradclip.cli.environment import calm_numpy, tolerate_narrow_encodings
from gradclip.errors import ConfigurationError, GradclipError


@dataclass(frozen=True, kw_only=True, slots=True)
class Subcommand:
    """Where a subcommand is, and its line in `gradclip --help`.

    Attributes:
        place: Its module and name, as `module:name`.
        help: What it does, in one sentence.
        computes: Whether NumPy may be told here how to; not where the user's program is next.
    """

    place: str
    help: str
    computes: bool = True


_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class _WrongOption(click.ClickException):
    """A value that breaks a rule, said without click's usage lines."""

    exit_code = 2  # as click has it for a usage error


SUBCOMMANDS: Mapping[str, Subcommand] = {
    "demo": Subcommand(
        place="gradclip.cli.demo:demo",
        help="Train a small network on MNIST and watch its gradients.",
    ),
    "export": Subcommand(
        place="gradclip.cli.export:export",
        help="Write a run as Parquet, CSV or JSON, or replay it for TensorBoard.",
    ),
    "policies": Subcommand(
        place="gradclip.cli.policies:policies",
        help="List every clipping that --clip takes, with its parameters.",
    ),
    "replay": Subcommand(
        place="gradclip.cli.replay:replay_command",
        help="Say what other clippings would have done to a run.",
    ),
    "report": Subcommand(
        place="gradclip.cli.report:report",
        help="Tell what a run did, or compare several: a page, JSON or text.",
    ),
    "run": Subcommand(
        place="gradclip.cli.run:run",
        help="Run a training script that nobody changed, and record its gradients.",
        computes=False,
    ),
    "serve": Subcommand(
        place="gradclip.cli.serve:serve",
        help="Show all runs below a folder on a page that follows them.",
    ),
    "watch": Subcommand(
        place="gradclip.cli.watch:watch",
        help="Show a run in the terminal while it is written.",
    ),
}


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is used: `--help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return sorted(SUBCOMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        if SUBCOMMANDS[cmd_name].computes:
            calm_numpy()  # before the subcommand's module loads it
        module, _, name = SUBCOMMANDS[cmd_name].place.partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in SUBCOMMANDS and not args[0].startswith("-"):
            ctx.fail(_unknown(args[0]))
        return super().resolve_command(ctx, args)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUBCOMMANDS[name].help) for name in sorted(SUBCOMMANDS)])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            known = error.possibilities or ()
            nearest = get_close_matches(error.option_name, known, n=1, cutoff=0)
            raise click.NoSuchOption(
                error.option_name, possibilities=nearest or None, ctx=error.ctx
            ) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            return ctx.exit(_INTERRUPTED)
        except GradclipError as error:
            kind = _WrongOption if isinstance(error, ConfigurationError) else click.ClickException
            raise kind(str(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="gradclip %(version)s")
def main() -> None:
    """Clip, see and understand gradients."""
    tolerate_narrow_encodings()


def _unknown(name: str) -> str:
    """Return what to say of a command that does not exist."""
    nearest = get_close_matches(name, SUBCOMMANDS, n=1)
    hint = f"Did you mean {nearest[0]!r}?" if nearest else f"There are: {', '.join(SUBCOMMANDS)}."
    return f"No such command {name!r}. {hint}"

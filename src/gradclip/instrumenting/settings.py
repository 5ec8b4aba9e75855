"""What `gradclip run` was asked for, and how the processes it starts are told."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from gradclip.errors import ConfigurationError

PREFIX = "GRADCLIP_RUN_"  # of the environment variables, one for each field


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How training is to be followed.

    Attributes:
        out: The run directory; a second process that trains on its own takes `out`-2, and so on.
        clip: A policy as text, such as `global-norm=1`; None to clip nothing.
        steps: Stop after so many steps; None for never.
        every: Record every how many steps.
        quiet: Say nothing at the end.
        tensorboard: A folder for TensorBoard's files; None for none.
        serve: Whether the live page is to be shown while training lasts.

    Raises:
        ConfigurationError: A number is below 1, or the policy is not known.

    Example:
        >>> Settings(out="runs/mine", clip="zclip").environment()
        {'GRADCLIP_RUN_OUT': 'runs/mine', 'GRADCLIP_RUN_CLIP': 'zclip'}
    """

    out: str = "runs/run-1"
    clip: str | None = None
    steps: int | None = None
    every: int = 1
    quiet: bool = False
    tensorboard: str | None = None
    serve: bool = False

    def __post_init__(self) -> None:
        if self.clip is not None:  # the policies take longer to load than all else here
            importlib.import_module("gradclip.core.policies.resolve").parse_policy(self.clip)
        for name, number in (("steps", self.steps), ("every", self.every)):
            if number is not None and number < 1:
                msg = f"`{name}` must be 1 or more, got {number}."
                raise ConfigurationError(msg)

    def environment(self) -> dict[str, str]:
        """Return the variables that tell a process of these settings: those not at defaults."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            PREFIX + name.upper(): str(int(value) if isinstance(value, bool) else value)
            for name, value in given.items()
            if name == "out" or value != type(self).__dataclass_fields__[name].default
        }


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Return the settings that environment variables tell.

    Args:
        environ: The variables; those that are missing or empty leave the default.

    Raises:
        ConfigurationError: One of them is not what it should be.

    Example:
        >>> from_environment({"GRADCLIP_RUN_STEPS": "3"}).steps
        3
    """
    given = {
        f.name: text for f in fields(Settings) if (text := environ.get(PREFIX + f.name.upper(), ""))
    }
    chosen: dict[str, object] = dict(given)
    for name in ("steps", "every"):
        if name in given:
            chosen[name] = _whole(name, given[name])
    for name in ("quiet", "serve"):
        if name in given:
            chosen[name] = given[name].lower() not in {"0", "false", "no", "off"}
    return Settings(**chosen)  # type: ignore[arg-type]  # each is what its field takes


def numbered(path: Path, number: int) -> Path:
    """Return the directory of the process that is the `number`-th to train.

    Example:
        >>> numbered(Path("runs/mine"), 2).as_posix()
        'runs/mine-2'
    """
    return path if number == 1 else path.with_name(f"{path.name}-{number}")


def _whole(name: str, text: str) -> int:
    """Return a whole number.

    Raises:
        ConfigurationError: It is something else.
    """
    try:
        return int(text)
    except ValueError as error:
        msg = f"{PREFIX}{name.upper()} must be a whole number, got {text!r}."
        raise ConfigurationError(msg) from error

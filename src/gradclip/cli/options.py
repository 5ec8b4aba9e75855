"""What options take beyond click's own kinds."""

from difflib import get_close_matches

import click


class Widths(click.ParamType[tuple[int, ...]]):
    """Whole numbers with commas between, such as `256,128`.

    Example:
        >>> Widths().convert("256,128", None, None)
        (256, 128)
    """

    name = "widths"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers."""
        try:
            return tuple(int(width) for width in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not whole numbers with commas, such as 256,128.", param, ctx)


class Names(click.ParamType[tuple[str, ...]]):
    """Two or more of some names, with commas between.

    Args:
        choices: The names.

    Example:
        >>> Names(("clip", "native")).convert("clip,native", None, None)
        ('clip', 'native')
    """

    name = "names"

    def __init__(self, choices: tuple[str, ...]) -> None:
        self.choices = choices

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names."""
        names = tuple(str(value).split(","))
        for name in names:
            if name not in self.choices:
                nearest = get_close_matches(name, self.choices, n=1) or self.choices
                self.fail(
                    f"{name!r} is not known. Did you mean {' or '.join(nearest)}?", param, ctx
                )
        if len(set(names)) < max(2, len(names)):
            self.fail(f"{value!r} must name two or more, each once: clip,no-clip.", param, ctx)
        return names

"""One picture of a run in lines of text: for pipes, logs and plain terminals."""

from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.text import Text

from gradclip.watch.chart import CROSS, Size, chart
from gradclip.watch.layers import Layers, Order, ordered
from gradclip.watch.look import Look
from gradclip.watch.profile import profile
from gradclip.watch.table import form_of, heading, row
from gradclip.watch.texts import (
    LOSS,
    NORMS,
    alarm_lines,
    alarms_of,
    header,
    loss_title,
    norm_title,
    profile_title,
)

_CURVE = 9  # lines
_MOST = 20  # layers, and bars
_ALARMS = 9
_ASCII = str.maketrans(dict(zip("→▼▲…", ">v^~", strict=True)) | {CROSS: "x"})


def still(look: Look, name: str, console: Console) -> RenderableType:
    """Return a picture of a run, as wide as a console.

    Args:
        look: The run.
        name: What it is called.
        console: Where it shall be printed: it may have ASCII alone.
    """
    plain = console.options.ascii_only
    width = console.width
    size = Size(width=width, height=_CURVE, plain=plain)
    parts = [_folded(header(look, name)), _folded(alarm_lines(alarms_of(look), _ALARMS)), Text()]
    parts += [loss_title(look), chart(look.curves, LOSS, size), Text()]
    parts += [norm_title(look), chart(look.curves, NORMS, size), Text()]
    if look.layers is not None:
        parts += [*_table(look.layers, width), Text(), *_profile(look.layers, width, plain=plain)]
    return Group(*_lines(parts, plain=plain))


def _table(layers: Layers, width: int) -> list[Text]:
    """Return the layers from input to output, or those with the greatest norms of many."""
    places = ordered(layers, Order())
    order, lines = Order(), []
    if len(places) > _MOST:
        order = Order(key="before")
        places = ordered(layers, order)[:_MOST]
        lines = [Text(f"the {_MOST} greatest of {len(layers.names):,} layers", "dim")]
    form = form_of(layers, width)
    rows = [row(layers, int(place), form) for place in places]
    return [heading(form, order), *rows, *lines]


def _profile(layers: Layers, width: int, *, plain: bool) -> list[Text]:
    """Return the weights' bars under their title."""
    height = min(len(layers.matrices), _MOST)
    return [profile_title(), profile(layers, Size(width=width, height=height, plain=plain))]


def _folded(text: Text) -> Text:
    """Return a text whose long lines go on in the next: a log has room."""
    text.no_wrap, text.overflow = False, "fold"
    return text


def _lines(parts: Iterable[Text], *, plain: bool) -> Iterable[Text]:
    """Yield texts that each end their line, and what stands for their signs in ASCII."""
    for part in parts:
        part.end = "\n"
        if plain:
            part.plain = part.plain.translate(_ASCII)
        yield part

"""What the screen is put together from: pictures that are drawn to their size, and the table."""

from collections.abc import Callable

from rich.text import Text
from textual import events
from textual.containers import Vertical
from textual.geometry import Size as Cells
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from gradclip.watch.chart import Size
from gradclip.watch.layers import NAME, Layers, Order, ordered
from gradclip.watch.table import Form, form_of, heading, next_key, row

Draw = Callable[[Size], Text]


class Picture(Widget):
    """Something that is drawn anew for the size that it has."""

    DEFAULT_CSS = """
    Picture { border: round $foreground 25%; border-title-color: $foreground; padding: 0 1; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self._draw: Draw = lambda size: Text("\n" * (size.height - 1))

    def show(self, title: Text, draw: Draw) -> None:
        """Show something else under another title."""
        self.border_title = title
        self._draw = draw
        self.refresh()

    def render(self) -> Text:
        return self._draw(Size(width=self.size.width, height=self.size.height))


class LayerPart(Vertical):
    """The table and the field to search in, which may have the screen for themselves."""

    ALLOW_MAXIMIZE = True


class LayerTable(ScrollView, can_focus=True):
    """The layers, line by line: thousands cost no more than those that are seen."""

    DEFAULT_CSS = """
    LayerTable { border: round $foreground 25%; border-title-color: $foreground; padding: 0 1; }
    LayerTable { overflow-x: hidden; scrollbar-size-vertical: 1; }
    LayerTable:focus { border: round $primary; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self._layers: Layers | None = None
        self._places: list[int] = []
        self.order = Order()

    @property
    def shown(self) -> list[str]:
        """The names of the layers that are shown, in order."""
        return [self._layers.names[place] for place in self._places] if self._layers else []

    def show(self, layers: Layers | None, order: Order | None = None) -> None:
        """Show other values, or the same in another order."""
        self._layers = layers
        self.order = order or self.order
        self._places = [] if layers is None else ordered(layers, self.order).tolist()
        self.virtual_size = Cells(0, len(self._places) + 1)
        self.border_title = self._title()
        self.refresh()

    def sort(self, key: str | None, *, rising: bool) -> None:
        """Order the layers by a column, or from input to output."""
        self.show(self._layers, Order(search=self.order.search, key=key, rising=rising))

    def sort_by_next(self) -> None:
        """Order the layers by the next column."""
        keys = [None, NAME, *(self._form().columns if self._layers else ())]
        key = next_key(keys, self.order.key)
        self.sort(key, rising=key == NAME)

    def search(self, text: str) -> None:
        """Show those layers alone whose names hold a text."""
        self.show(self._layers, Order(search=text, key=self.order.key, rising=self.order.rising))
        self.scroll_to(y=0, animate=False)

    def render_line(self, y: int) -> Strip:
        if self._layers is None:
            return Strip.blank(self._room, self.rich_style)
        form, place = self._form(), y - 1 + self.scroll_offset.y
        if y == 0:
            line = heading(form, self.order)
        elif place < len(self._places):
            line = row(self._layers, self._places[place], form)
        elif place == 0:
            line = Text("No layer's name holds that.", style="dim", end="")
        else:
            return Strip.blank(self._room, self.rich_style)
        segments = line.render(self.app.console)
        return (
            Strip(segments)
            .apply_style(self.rich_style)
            .adjust_cell_length(self._room, self.rich_style)
        )

    def on_click(self, event: events.Click) -> None:
        """Order the layers by the column whose title is clicked, or turn them round."""
        place = event.get_content_offset(self)
        if place is None or place.y or self._layers is None:
            return
        key = self._form().column_at(place.x)
        self.sort(key, rising=not self.order.rising if key == self.order.key else key == NAME)

    @property
    def _room(self) -> int:
        """Return how wide a line may be beside the scroll bar."""
        return self.scrollable_content_region.width

    def _form(self) -> Form:
        """Return the columns that fit."""
        assert self._layers is not None  # asked by the callers
        return form_of(self._layers, self._room)

    def _title(self) -> Text:
        """Return how many layers there are, and how many of them are shown."""
        if self._layers is None:
            return Text("layers")
        count = len(self._layers.names)
        shown = (
            f"{count:,}" if len(self._places) == count else f"{len(self._places):,} of {count:,}"
        )
        return Text.assemble(("layers", "bold"), f" {shown}, step {self._layers.step:,}")

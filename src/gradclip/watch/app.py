"""The screen: looks at a run again and again, and shows what it sees."""

from collections.abc import Callable
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Footer, Input, Static

from gradclip.errors import RunError
from gradclip.record.reader import RunReader
from gradclip.watch.alarms import Alarm
from gradclip.watch.chart import chart
from gradclip.watch.look import Look, look
from gradclip.watch.profile import profile
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
from gradclip.watch.widgets import LayerPart, LayerTable, Picture

_TALL = 30  # lines from which there is room for several alarms
_ALARMS = 4
_LEAST = 9  # lines of the lower half


class WatchApp(App[None]):
    """Show a run while it is written.

    Args:
        reader: What reads the run.
        name: What it is called.
        every: Seconds from one look to the next.
        dark: Whether the terminal is dark.
    """

    TITLE = "gradclip watch"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layout: vertical; overflow: hidden; }
    #header { height: 2; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #alarms { height: auto; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #curves { height: 1fr; min-height: 5; }
    #curves Picture { width: 1fr; }
    #below { height: 55%; }
    #part { width: 1fr; }
    #layers { height: 1fr; }
    #profile { width: 33%; min-width: 24; }
    #search { display: none; height: 1; border: none; padding: 0 1; }
    #search.open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit"),
        Binding("slash", "search", "search", key_display="/"),
        Binding("s", "sort", "sort"),
        Binding("r", "reverse", "reverse"),
        Binding("p", "pause", "pause"),
        Binding("m", "enlarge", "enlarge"),
        Binding("d", "dark", "light/dark"),
        Binding("escape", "leave", "back", key_display="esc"),
    ]

    def __init__(
        self, reader: RunReader, name: str, *, every: float = 1.0, dark: bool = True
    ) -> None:
        super().__init__()
        self._reader, self._run_name, self._every = reader, name, every
        self._seen: Look | None = None
        self._paused = self._reading = False
        self.animation_level = "none"  # every frame of an animation would go through ssh
        self.theme = _theme(dark=dark)

    def compose(self) -> ComposeResult:
        yield Static(id="header")
        yield Static(id="alarms")
        with Horizontal(id="curves"):
            yield Picture(id="loss")
            yield Picture(id="norms")
        with Horizontal(id="below"):
            with LayerPart(id="part"):
                yield LayerTable(id="layers")
                yield Input(id="search", placeholder="search layers")
            yield Picture(id="profile")
        yield Footer()

    def on_mount(self) -> None:
        """Look at once, and then again and again."""
        for picture in self.query(Picture):
            picture.border_title = picture.id or ""
        self.query_one(LayerTable).focus()
        self._read()
        self.set_interval(self._every, self._tick)

    def _tick(self) -> None:
        """Look again, unless that is not wanted or a look is still under way."""
        if not self._paused and not self._reading:
            self._read()

    @work(thread=True)
    def _read(self) -> None:
        """Look at the run, in a thread: a disk may be slow."""
        self._reading = True
        try:
            self._reader.refresh()
            seen = look(self._reader, self._seen)
        except (OSError, RunError) as error:  # it was moved away; it may come back
            self.call_from_thread(self._tell, self._complain, str(error))
        else:
            self.call_from_thread(self._tell, self._show, seen)
        finally:
            self._reading = False

    def _tell(self, show: Callable[[Any], None], found: Any) -> None:
        """Show what was found, unless the app is ending: its widgets are gone before the thread."""
        if self.query("#alarms"):
            show(found)

    def _show(self, seen: Look) -> None:
        """Show what was seen, if there is news."""
        known, self._seen = self._seen, seen
        self._show_lines()
        if known is None or known.numbers is not seen.numbers:
            self._show_steps(seen)

    def _show_steps(self, seen: Look) -> None:
        """Show the curves and the layers."""
        layers = seen.layers
        self.query_one("#loss", Picture).show(
            loss_title(seen), lambda size: chart(seen.curves, LOSS, size)
        )
        self.query_one("#norms", Picture).show(
            norm_title(seen), lambda size: chart(seen.curves, NORMS, size)
        )
        self.query_one("#profile", Picture).show(
            profile_title(), lambda size: profile(layers, size)
        )
        self.query_one(LayerTable).show(layers)
        if layers is not None:  # few layers leave room to the curves
            self.query_one("#below").styles.max_height = max(len(layers.names) + 3, _LEAST)

    def _show_lines(self) -> None:
        """Show the lines at the top."""
        if self._seen is None:
            return
        first = header(self._seen, self._run_name)
        if self._paused:
            first = Text.assemble(("paused", "bold reverse"), "  ", first)
        self.query_one("#header", Static).update(first)
        most = _ALARMS if self.size.height >= _TALL else 1
        self.query_one("#alarms", Static).update(alarm_lines(alarms_of(self._seen), most))

    def _complain(self, text: str) -> None:
        """Say that the run cannot be read any more; what was seen of it stays."""
        self.query_one("#alarms", Static).update(alarm_lines([Alarm(text, serious=True)], 1))

    def on_resize(self) -> None:
        """Show as many alarms as there is room for now."""
        self._show_lines()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the way back only where there is one."""
        del parameters
        if action != "leave":
            return True
        return self.query_one("#search").has_class("open") or self.screen.maximized is not None

    def action_search(self) -> None:
        """Open the field to search in."""
        field = self.query_one("#search", Input)
        field.add_class("open")
        field.focus()
        self.refresh_bindings()

    def action_leave(self) -> None:
        """Leave the search and what was enlarged: all is shown again."""
        field = self.query_one("#search", Input)
        field.value = ""
        field.remove_class("open")
        self.screen.minimize()
        self.query_one(LayerTable).focus()
        self.refresh_bindings()

    @on(Input.Changed, "#search")
    def _search(self, event: Input.Changed) -> None:
        """Show the layers that are searched for, at every letter."""
        self.query_one(LayerTable).search(event.value)

    @on(Input.Submitted, "#search")
    def _found(self) -> None:
        """Go back to the table, which still shows what was searched for."""
        self.query_one(LayerTable).focus()

    def action_sort(self) -> None:
        """Order the layers by the next column."""
        self.query_one(LayerTable).sort_by_next()

    def action_reverse(self) -> None:
        """Order the layers the other way round."""
        table = self.query_one(LayerTable)
        table.sort(table.order.key, rising=not table.order.rising)

    def action_pause(self) -> None:
        """Stop looking at the run, or go on."""
        self._paused = not self._paused
        self._show_lines()

    def action_enlarge(self) -> None:
        """Show the table alone, with all its columns; or all again."""
        if self.screen.maximized is None:
            self.screen.maximize(self.query_one(LayerPart))
        else:
            self.screen.minimize()
        self.refresh_bindings()

    def action_dark(self) -> None:
        """Turn light into dark, or dark into light."""
        self.theme = _theme(dark=not self.current_theme.dark)


def _theme(*, dark: bool) -> str:
    """Return the name of Textual's theme."""
    return "textual-dark" if dark else "textual-light"

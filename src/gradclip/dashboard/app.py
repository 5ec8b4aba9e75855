"""The live page as an ASGI application, for `gradclip serve` and for servers of your own."""

import json
import os
from collections.abc import Collection
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from gradclip.dashboard.assets import load_assets
from gradclip.dashboard.curve import layer_curve
from gradclip.dashboard.discover import signature
from gradclip.dashboard.events import MAX_LISTENERS, Feed
from gradclip.dashboard.layers import Layer, read_layers, slice_layers
from gradclip.dashboard.pages import Pages
from gradclip.dashboard.part import NumbersMemory, PartReader
from gradclip.dashboard.ranges import (
    MAX_COMPARED,
    parse_buckets,
    parse_place,
    parse_range,
    parse_slice,
)
from gradclip.dashboard.rows import Memory, Rows
from gradclip.dashboard.security import LOCAL_HOSTS, Guard, run_folder
from gradclip.errors import ConfigurationError, RunError
from gradclip.record.reader import open_run
from gradclip.record.schema import Json
from gradclip.report.view import view_run

_KEPT = 32  # answers that were asked for last; each is below some megabytes


class Dashboard(Guard):
    """The application that `make_app` makes.

    Args:
        directory: Where all runs are.
        token: As in `make_app`.
        hosts: As in `make_app`.
    """

    def __init__(self, directory: Path, *, token: str | None, hosts: Collection[str]) -> None:
        views = _Views(directory)
        self._feed = views.feed
        errors = {ConfigurationError: _wrong, RunError: _missing}
        app = Starlette(routes=views.routes(), exception_handlers=errors)
        super().__init__(app, hosts=hosts, token=token)

    @property
    def num_listeners(self) -> int:
        """How many pages are told of changes now."""
        return self._feed.num_listeners

    def close(self) -> None:
        """End the streams of events, for which a server would wait else before it ends."""
        self._feed.close()


def make_app(
    directory: str | os.PathLike[str],
    *,
    token: str | None = None,
    hosts: Collection[str] = LOCAL_HOSTS,
) -> Dashboard:
    """Return the live page of all runs below a directory, as an ASGI application.

    It reads and never writes. Whoever may connect sees all runs, unless there is a token.

    Args:
        directory: Where the runs are; nothing outside is read.
        token: What a browser must bring once, as `?token=`, or a program in the header
            `Authorization: Bearer`; 16 characters or more, None for nothing.
        hosts: The names in the Host header that are answered, whatever the port; `*` stands for
            every IP address. Others are refused: the page of an attacker, whose name is made to
            lead to this machine, sends its own.

    Returns:
        The application: serve it with uvicorn, or mount it in another.

    Raises:
        RunError: There is no such directory.
        ConfigurationError: The token is too short or has other characters than letters, digits
            and `-_.~`.

    Example:
        >>> make_app("no-such-folder")
        Traceback (most recent call last):
        ...
        gradclip.errors.RunError: There is no folder no-such-folder. Name one that runs are ...
    """
    path = Path(directory)
    if not path.is_dir():
        msg = f"There is no folder {path}. Name one that runs are written to."
        raise RunError(msg)
    return Dashboard(path.resolve(), token=token, hosts=hosts)


class _Views:
    """Answers to requests.

    Args:
        directory: Where all runs are.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._rows = Rows(directory)
        self.feed = Feed(directory, self._rows)
        self._answers: Memory[bytes] = Memory(_KEPT)
        self._numbers = NumbersMemory()
        self._layers: Memory[list[Layer]] = Memory(_KEPT)
        self._assets = load_assets()
        self._pages = Pages(self._assets)

    def routes(self) -> list[Route]:
        """Return what answers where."""
        places = {
            "/": self._list_page,
            "/run/{path:path}": self._run_page,
            "/compare": self._compare_page,
            "/api/runs": self._list,
            "/api/run/{path:path}": self._run,
            "/api/table/{path:path}": self._table,
            "/api/layer/{path:path}": self._layer,
            "/events": self._events,
            "/favicon.ico": self._icon,
            "/static/{name}": self._asset,
        }
        return [Route(place, answer) for place, answer in places.items()]

    def _list_page(self, request: Request) -> Response:
        title = self._directory.name or "Runs"
        return HTMLResponse(self._pages.list(title, _root(request)))

    def _run_page(self, request: Request) -> Response:
        path = request.path_params["path"]
        run_folder(self._directory, path)
        title = path or self._directory.name
        return HTMLResponse(self._pages.run([path], title, _root(request)))

    def _compare_page(self, request: Request) -> Response:
        paths = self._compared(request)
        if not paths:
            raise ConfigurationError("Name the runs: /compare?run=a&run=b")
        title = f"{len(paths)} runs compared" if len(paths) > 1 else paths[0]
        return HTMLResponse(self._pages.run(paths, title, _root(request)))

    def _list(self, request: Request) -> Response:
        del request
        return _json(self._rows.all())

    def _run(self, request: Request) -> Response:
        path = request.path_params["path"]
        buckets, part = parse_buckets(request.query_params), parse_range(request.query_params)
        folder = run_folder(self._directory, path)

        def make() -> bytes:
            name = path or self._directory.name
            return _encode(view_run(name, PartReader(folder, part, self._numbers), buckets))

        return _json(self._answers.get((path, buckets, part), signature(folder), make))

    def _table(self, request: Request) -> Response:
        path = request.path_params["path"]
        asked = parse_slice(request.query_params)
        folder = run_folder(self._directory, path)
        layers = self._layers.get(path, signature(folder), lambda: read_layers(open_run(folder)))
        return _json(slice_layers(layers, asked))

    def _layer(self, request: Request) -> Response:
        path = request.path_params["path"]
        place, buckets = parse_place(request.query_params), parse_buckets(request.query_params)
        folder = run_folder(self._directory, path)

        def make() -> bytes:
            return _encode(layer_curve(open_run(folder), place, buckets))

        return _json(self._answers.get((path, "layer", place, buckets), signature(folder), make))

    async def _events(self, request: Request) -> Response:
        if self.feed.num_listeners >= MAX_LISTENERS:
            return PlainTextResponse(f"{MAX_LISTENERS} pages listen already.", 503)
        paths = self._compared(request)
        stream = self.feed.listen(frozenset(paths) if paths else None)
        # A proxy that gathers answers would keep the events until there are many.
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
        )

    def _icon(self, request: Request) -> Response:
        """Answer what browsers ask for where a page names no icon."""
        del request
        return Response(self._assets["icon.svg"].content, media_type=self._assets["icon.svg"].kind)

    def _asset(self, request: Request) -> Response:
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            return PlainTextResponse("There is no such file.", 404)
        kept = {"Cache-Control": "private, max-age=31536000, immutable"}
        return Response(asset.content, media_type=asset.kind, headers=kept)

    def _compared(self, request: Request) -> list[str]:
        """Return the runs that a request names, all of which there are.

        Raises:
            ConfigurationError: There are too many.
        """
        paths = list(dict.fromkeys(request.query_params.getlist("run")))
        if len(paths) > MAX_COMPARED:
            msg = f"At most {MAX_COMPARED} runs can be compared, got {len(paths)}."
            raise ConfigurationError(msg)
        for path in paths:
            run_folder(self._directory, path)
        return paths


def _root(request: Request) -> str:
    """Return where the application is mounted."""
    return str(request.scope.get("root_path", "")).rstrip("/")


def _encode(content: Json) -> bytes:
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def _json(content: Json | bytes) -> Response:
    given = content if isinstance(content, bytes) else _encode(content)
    return Response(given, media_type="application/json")


def _wrong(request: Request, error: Exception) -> Response:
    """Answer a request that breaks a rule."""
    del request
    return PlainTextResponse(str(error), 400)


def _missing(request: Request, error: Exception) -> Response:
    """Answer a request for what is not there, or cannot be read."""
    del request
    return PlainTextResponse(str(error), 404)

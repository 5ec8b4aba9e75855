"""What keeps the live page to who may see it: headers, host, method, token, and paths."""

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Collection, MutableMapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradclip.errors import ConfigurationError, RunError
from gradclip.record.schema import RUN_FILE
from gradclip.record.segment import SUFFIX

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",  # the address may hold the token
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_TOKEN = re.compile(r"[A-Za-z0-9_.~-]{16,200}")
_MOST_DESCRIPTION = 64 << 20  # bytes; a hundred for each of 500,000 layers are less
_MOST_PATH = 2048  # characters of a run's path
_OPENING = Template(
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>gradclip</title>'
    '<meta http-equiv="refresh" content="0;url=?$query"></head>'
    '<body><p><a href="?$query">Open the page</a></p></body></html>'
)


class Guard:
    """Answer what may be answered, and put the headers on every answer.

    Args:
        app: What answers.
        hosts: The names in the Host header that are ours; an attacker's page that has its own
            name lead to this machine sends its own. `*` stands for every IP address, which
            cannot be made to lead elsewhere.
        token: What a request must bring, in `?token=`, the cookie that this leaves, or the
            header `Authorization: Bearer`; None for nothing.

    Raises:
        ConfigurationError: The token is too short, or has characters that addresses have not.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], token: str | None) -> None:
        if token is not None and not _TOKEN.fullmatch(token):
            msg = (
                "A token must be 16 to 200 letters, digits, or any of -_.~, "
                f"got {len(token)} characters. Let one be made: --token auto"
            )
            raise ConfigurationError(msg)
        self._app, self._token = app, token
        self._hosts = {host.lower() for host in hosts}
        # Cookies are shared by all ports of a host: two servers must not take each other's.
        digest = hashlib.sha256((token or "").encode()).hexdigest()
        self._cookie = f"gradclip-{digest[:12]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(message)
            await send(message)

        answer = self._refuse(Request(scope)) or self._app
        await answer(scope, receive, send_guarded)

    def _refuse(self, request: Request) -> Response | None:
        """Return the answer to what may not pass; None for what may."""
        if not self._is_ours(request.headers.getlist("host")):
            text = "The Host header is not this server's. See: gradclip serve --help"
            return PlainTextResponse(text, 400)
        if request.method not in {"GET", "HEAD"}:
            return PlainTextResponse("Runs are only read here.", 405, {"Allow": "GET, HEAD"})
        return None if self._token is None else self._ask_token(request)

    def _ask_token(self, request: Request) -> Response | None:
        """Return the answer to who has no token, or has just brought it; None for all others."""
        if self._is_token(request.query_params.get("token")):
            return self._welcome(request)
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_token(request.cookies.get(self._cookie)) or self._is_token(bearer):
            return None
        text = "This needs a token: open the address that `gradclip serve` printed."
        return PlainTextResponse(text, 401, {"WWW-Authenticate": "Bearer"})

    def _is_ours(self, hosts: list[str]) -> bool:
        """Return whether the one Host header names this server, on whatever port."""
        if len(hosts) != 1:
            return False
        name = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^:\[\]/@]+)(:\d{1,5})?", hosts[0].lower())
        host = name[1].strip("[]") if name else ""
        return bool(host) and (host in self._hosts or ("*" in self._hosts and _is_address(host)))

    def _is_token(self, given: str | None) -> bool:
        """Return whether it is the token, in a time that does not tell how much of it was right."""
        return secrets.compare_digest((given or "").encode(), (self._token or "").encode())

    def _welcome(self, request: Request) -> Response:
        """Return a page that leaves the cookie and goes on to the address without the token.

        Not a redirect: after a link on another site browsers keep a strict cookie from it.
        """
        rest = [pair for pair in request.query_params.multi_items() if pair[0] != "token"]
        response = HTMLResponse(_OPENING.substitute(query=escape(urlencode(rest))))
        response.set_cookie(
            self._cookie,
            self._token or "",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path=request.scope.get("root_path") or "/",
        )
        return response


def run_folder(directory: Path, path: str) -> Path:
    """Return the folder of a run below a directory, and no other.

    Args:
        directory: Where all runs are.
        path: The run's place in it, with `/` between, as `find_runs` gives it.

    Returns:
        The folder, inside the directory also where links lead elsewhere.

    Raises:
        RunError: There is no run, it is not inside, or its description is too large to be one.

    Example:
        >>> run_folder(Path("runs"), "../../etc")
        Traceback (most recent call last):
        ...
        gradclip.errors.RunError: There is no run '../../etc' here.
    """
    root = directory.resolve()
    if not _is_plain(path):
        raise RunError(_missing(path))
    try:
        folder = (root / path).resolve(strict=True)
        inside = folder.is_relative_to(root) and _keeps_inside(folder, root)
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle
        raise RunError(_missing(path)) from error
    description = folder / RUN_FILE
    if not inside or not description.is_file():
        raise RunError(_missing(path))
    if description.stat().st_size > _MOST_DESCRIPTION:
        msg = f"{RUN_FILE} of {path[:200]!r} is larger than any that gradclip writes."
        raise RunError(msg)
    return folder


def _is_plain(path: str) -> bool:
    """Return whether a path has nothing but names; the empty one is the directory itself."""
    if len(path) > _MOST_PATH or any(sign in path for sign in "\\\0") or not _is_text(path):
        return False
    return not path or all(part not in {"", ".", ".."} for part in path.split("/"))


def _is_text(path: str) -> bool:
    """Return whether it can be written in an address."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _keeps_inside(folder: Path, root: Path) -> bool:
    """Return whether the files that a run is read from are inside as well."""
    files = [folder / RUN_FILE, *folder.glob(f"*{SUFFIX}"), *folder.glob("*.jsonl")]
    links = [file for file in files if file.is_symlink()]
    return all(link.resolve().is_relative_to(root) for link in links)


def _missing(path: str) -> str:
    return f"There is no run {path[:200]!r} here."


def _is_address(host: str) -> bool:
    """Return whether a host is an IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _add_headers(message: MutableMapping[str, Any]) -> None:
    """Put the headers on an answer; what it says of caching itself stays."""
    headers = MutableHeaders(scope=message)
    headers.setdefault("Cache-Control", "no-store")
    for name, value in HEADERS.items():
        headers[name] = value

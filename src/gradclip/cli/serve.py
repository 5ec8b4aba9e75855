"""`gradclip serve`: the live page of all runs below a folder."""

import errno
import ipaddress
import secrets
import socket
from pathlib import Path
from types import FrameType

import click
import uvicorn

from gradclip.dashboard import make_app
from gradclip.dashboard.app import Dashboard
from gradclip.dashboard.security import LOCAL_HOSTS
from gradclip.errors import ConfigurationError, RunError

_BACKLOG = 128  # connections that wait


@click.command(context_settings={"show_default": True})
@click.argument("directory", default="runs", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", help="The address to listen at.")
@click.option("--port", default=8765, type=click.IntRange(0, 65535), help="0 for any that is free.")
@click.option("--token", help="What a browser must bring; `auto` makes one.", show_default="none")
def serve(directory: Path, host: str, port: int, token: str | None) -> None:
    """Show all runs below DIRECTORY on a page that follows them while they train.

    The page only reads. It can be reached from this machine alone; at any other --host it needs a
    token, which is part of the address that is printed. What goes over the network is not
    encrypted: on one that you do not trust, leave --host alone and use ssh -L 8765:localhost:8765.

    \b
    Examples:
      gradclip serve
      gradclip serve experiments --port 0
      gradclip serve --host 0.0.0.0 --token auto
    """  # noqa: D301  # \b keeps click from filling the examples
    token = _token(token, directory, host)
    app = make_app(directory, token=token, hosts=_hosts(host))
    with _listen(host, port) as listener:
        click.echo(f"Runs below {directory}: {_address(host, listener, token)}")
        click.echo("Ctrl-C ends it.")
        _run(app, listener)
    click.echo("Stopped.")


class _Server(uvicorn.Server):
    """A server that ends at the first Ctrl-C, also while pages listen.

    Args:
        config: As uvicorn has it.
        app: What it serves.
    """

    def __init__(self, config: uvicorn.Config, app: Dashboard) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End the streams, then the server."""
        self._app.close()
        super().handle_exit(sig, frame)


def _run(app: Dashboard, listener: socket.socket) -> None:
    """Serve until Ctrl-C."""
    config = uvicorn.Config(
        app,
        access_log=False,  # addresses may hold the token
        log_level="warning",
        lifespan="off",
        loop="asyncio",
        http="h11",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    try:
        _Server(config, app).run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn raises the signal again once it has ended
        return


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        RunError: The port is in use, or the address is not this machine's.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise RunError(_why_not(host, port, error)) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise RunError(_why_not(host, port, error)) from error
    return listener


def _token(given: str | None, directory: Path, host: str) -> str | None:
    """Return the token that is given, or one that is made now.

    Raises:
        ConfigurationError: There is none, and others than this machine can reach the address.
    """
    if given is None and not _is_local(host):
        msg = (
            f"Whoever reaches {host} would see the runs: a token is needed there. "
            f"Let one be made: gradclip serve {directory} --host {host} --token auto"
        )
        raise ConfigurationError(msg)
    return secrets.token_urlsafe(24) if given == "auto" else given


def _why_not(host: str, port: int, error: OSError) -> str:
    """Return why nothing can listen there, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use. Take another one: --port {port + 1}, or any: --port 0"
    if error.errno == errno.EACCES:
        return f"Port {port} is not for every user. Take one above 1023: --port 8765"
    return f"Cannot listen at {host}: {error.strerror or error}. Leave --host out."


def _is_local(host: str) -> bool:
    """Return whether this machine alone can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _hosts(host: str) -> set[str]:
    """Return the names that browsers may know the server by."""
    if _is_local(host):
        return {*LOCAL_HOSTS, host}
    name = socket.gethostname()
    return {*LOCAL_HOSTS, host, name, f"{name}.local", "*"}


def _address(host: str, listener: socket.socket, token: str | None) -> str:
    """Return the address to open."""
    shown = _outward() if host in {"", "0.0.0.0", "::"} else host
    shown = f"[{shown}]" if ":" in shown else shown
    query = f"?token={token}" if token else ""
    return f"http://{shown}:{listener.getsockname()[1]}/{query}"


def _outward() -> str:
    """Return this machine's address as others see it; its own where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it finds the way alone
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])

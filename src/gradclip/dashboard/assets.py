"""The files that the pages load: named one by one, so that no other can be asked for."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath

from gradclip.report.html import page_parts

_OWN = ("dashboard.css", "live.js", "early.js", "list.js", "layers.js", "curve.js", "run.js")
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A file that pages load.

    Attributes:
        content: What is in it.
        kind: Its media type.
        address: Where it is, below the root; it changes when the content does, so that browsers
            may keep the file for ever.
    """

    content: bytes
    kind: str
    address: str


def load_assets() -> Mapping[str, Asset]:
    """Return all files by their names.

    Example:
        >>> load_assets()["live.js"].kind
        'text/javascript'
    """
    report = page_parts()
    texts = {name: read_page(name) for name in _OWN}
    texts |= {
        "page.css": report.style,
        "echarts.js": report.scripts["echarts.min.js"],
        "page.js": report.scripts["gradclip.js"],
        "icon.svg": report.icon,
    }
    return {name: _asset(name, text.encode()) for name, text in texts.items()}


def read_page(name: str) -> str:
    """Return a file of the package's folder `static`."""
    return files("gradclip.dashboard").joinpath("static", name).read_text(encoding="utf-8")


def _asset(name: str, content: bytes) -> Asset:
    digest = hashlib.sha256(content).hexdigest()[:12]
    kind = _KINDS[PurePath(name).suffix]
    return Asset(content=content, kind=kind, address=f"/static/{name}?v={digest}")

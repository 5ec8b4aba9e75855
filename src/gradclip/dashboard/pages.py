"""The pages' frames as HTML: scripts fill them in."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from string import Template

from gradclip import __version__
from gradclip.dashboard.assets import Asset, read_page
from gradclip.report.html import page_parts

_MARK = (
    '<svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">'
    '<rect width="32" height="32" rx="7"/><path d="M4 25C8 25 9 11 12 11h8c3 0 4 14 8 14"/>'
    '<path class="cut" d="M13 11C14 6 15 4 16 4s2 2 3 7"/></svg>'
)


class Pages:
    """Make the pages.

    Args:
        assets: What they load.
    """

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._assets = assets
        self._list, self._run = (Template(read_page(f"{n}.html")) for n in ("index", "run"))
        self._body = page_parts().body

    def list(self, title: str, root: str) -> str:
        """Return the page of all runs.

        Args:
            title: The directory's name.
            root: Where the app is mounted.
        """
        return self._list.substitute(self._common(title, root))

    def run(self, paths: Sequence[str], title: str, root: str) -> str:
        """Return the page of one run, or of several compared.

        Args:
            paths: The runs' places.
            title: What the page is called.
            root: Where the app is mounted.
        """
        common = self._common(title, root)
        return self._run.substitute(common, body=self._body, runs=escape(json.dumps(list(paths))))

    def _common(self, title: str, root: str) -> dict[str, str]:
        """Return what all pages have; names of files with `_` for the point."""
        addresses = {
            name.replace(".", "_"): escape(root + asset.address)
            for name, asset in self._assets.items()
        }
        texts = {"title": title, "root": root, "version": __version__}
        return {**addresses, "mark": _MARK, **{name: escape(text) for name, text in texts.items()}}

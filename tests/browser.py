"""A real browser for the tests of pages: Chromium from the system, driven by Playwright.

A test module takes part with `from tests.browser import browser` and `visit(browser, ...)`.
"""

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MISSING = (
    "These tests need Chromium: apt-get install chromium. GRADCLIP_NO_BROWSER=1 leaves them out."
)
# Made by the tests, to be looked at.
SCREENSHOTS = Path(os.environ.get("GRADCLIP_SCREENSHOTS", "build/screenshots"))
# No requests of its own, so that those of the page are all there are.
_OPTIONS = ("--disable-background-networking", "--disable-component-update", "--no-sandbox")


def chromium():
    """Return the browser's path; without one the test fails, or is left out if so wished."""
    if os.environ.get("GRADCLIP_NO_BROWSER") == "1":
        pytest.skip("GRADCLIP_NO_BROWSER=1")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.fail(MISSING, pytrace=False)
    return found


# Not for a whole session: while Playwright runs, no other test in this thread can run asyncio.
@pytest.fixture(scope="module")
def browser():
    path = chromium()
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where there is a browser

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=_OPTIONS)
        yield opened
        opened.close()


@dataclass
class Visit:
    """A page that is looked at.

    Attributes:
        page: Playwright's page.
        errors: What the console complained of, and exceptions that nobody caught.
        requests: Every address that was asked for.
    """

    page: object
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def take(self, name, *, whole=False):
        """Keep what is seen, for people to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)

    def overflow(self):
        """Return how many pixels the page is wider than the screen."""
        return self.page.evaluate("document.documentElement.scrollWidth - innerWidth")


@contextmanager
def visit(browser, address, *, width=1280, height=900, dark=False):
    """Open a page in a fresh profile."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    seen = Visit(page)
    page.on("console", lambda said: seen.errors.append(said.text) if _is_bad(said) else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.goto(address)
    yield seen
    context.close()


def _is_bad(said):
    return said.type in {"error", "warning"}

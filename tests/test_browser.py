"""Tests of how tests find their browser."""

import pytest

from tests.browser import MISSING, chromium


def test_without_a_browser_a_test_fails_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("GRADCLIP_NO_BROWSER", raising=False)
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        chromium()
    assert "GRADCLIP_NO_BROWSER=1" in MISSING


def test_tests_of_pages_can_be_left_out(monkeypatch):
    monkeypatch.setenv("GRADCLIP_NO_BROWSER", "1")
    with pytest.raises(pytest.skip.Exception):
        chromium()

"""The live page: all runs below a directory, listed, compared, and followed while they train."""

from gradclip.dashboard.app import make_app

__all__ = ["make_app"]

"""`gradclip run`: follow a training program that nobody changed."""

from gradclip.instrumenting.settings import Settings

__all__ = ["Settings"]

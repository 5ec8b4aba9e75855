"""`gradclip run`: follow a training program that nobody changed."""

from gradclip.instrument.settings import Settings

__all__ = ["Settings"]

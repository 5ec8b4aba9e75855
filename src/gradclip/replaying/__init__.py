"""Policies on recorded norms: what one would have done, and which threshold to choose."""

from gradclip.replaying.replay import Replay, replay
from gradclip.replaying.suggest import Suggestion, suggest

__all__ = ["Replay", "Suggestion", "replay", "suggest"]

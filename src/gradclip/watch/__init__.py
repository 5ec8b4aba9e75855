"""The terminal's view of a run that is being written: read it, find what is unusual, draw it."""

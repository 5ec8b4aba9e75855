"""One module a framework: its own functions, and gradclip's for it."""

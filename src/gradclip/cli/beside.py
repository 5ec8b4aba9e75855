"""`python -m gradclip.cli.beside FOLDER`: the live page, until standard input ends."""

import importlib
import os
import sys
import threading


def main() -> None:
    """Serve what is below the folder that is named, as long as whoever started this lives."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    # It takes a second to load, in which training may end.
    serve = importlib.import_module("gradclip.cli.serve").serve
    serve.main([sys.argv[1], "--port", "0"], prog_name="gradclip serve")


def _end_with_input() -> None:
    """End this process, which only reads, when nobody can write to it any more."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()

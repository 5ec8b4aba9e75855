"""`python -m gradclip.kernels.cpu`: compile the C library in place."""

import sys

from gradclip.kernels.cpu.build import CompilerError, build

if __name__ == "__main__":
    try:
        sys.stdout.write(f"Built {build()}.\n")
    except CompilerError as error:
        sys.exit(f"{error}\nThe C library is left out: clipping works without it, slower.")

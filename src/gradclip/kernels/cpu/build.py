"""Compiles the C library, when a wheel is built or by `python -m gradclip.kernels.cpu`.

Nothing but the standard library: the build imports this file by itself.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
LIBRARY = HERE / ("gradclip_kernels.dll" if sys.platform == "win32" else "gradclip_kernels.so")
_COMMON = [
    "-std=c11", "-O3", "-fPIC", "-fvisibility=hidden", "-fno-math-errno", "-fno-trapping-math",
    "-ffp-contract=fast", "-Wall", "-Wextra",
]  # fmt: skip
_BASELINE = ["-DWIDTH=2", "-DPASSES=gradclip_baseline"]
_AVX2 = ["-mavx2", "-mfma", "-DWIDTH=4", "-DPASSES=gradclip_avx2"]


class CompilerError(Exception):
    """There is no C compiler, or it failed; the message says which."""


def build(library: Path = LIBRARY) -> Path:
    """Compile the library.

    Args:
        library: Where to put it; what is there is replaced at once, or stays.

    Returns:
        Where it is.

    Raises:
        CompilerError: There is no compiler, or it failed.
    """
    compiler = _compiler()
    x86 = platform.machine().lower() in {"x86_64", "amd64"}
    flags = [*_COMMON, *(["-DGRADCLIP_X86"] if x86 else [])]
    units = [("table.c", []), ("passes.c", _BASELINE), *([("passes.c", _AVX2)] if x86 else [])]
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        objects = [str(Path(folder) / f"{i}.o") for i in range(len(units))]
        for (source, own), made in zip(units, objects, strict=True):
            _run([compiler, *flags, *own, "-c", str(HERE / "c" / source), "-o", made])
        linked = Path(folder) / library.name
        threads = [] if sys.platform == "win32" else ["-pthread"]
        _run([compiler, "-shared", *threads, *objects, "-lm", "-o", str(linked)])
        linked.replace(library)  # a process that has the old one open keeps it
    return library


def _compiler() -> str:
    """Return the C compiler: $CC, or the first of the usual ones.

    Raises:
        CompilerError: There is none.
    """
    names = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    for name in names:
        if found := shutil.which(name):
            return found
    msg = f"A C compiler is needed for the kernels, found none of {', '.join(names)}."
    raise CompilerError(msg)


def _run(command: list[str]) -> None:
    """Run the compiler.

    Raises:
        CompilerError: It failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"The C compiler failed: {' '.join(command)}\n{done.stderr.strip()}"
        raise CompilerError(msg)

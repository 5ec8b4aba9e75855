"""Runs a program as it is, followed, and its edited copy, always in the same fresh folder."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.programs.program import Program

_HERE = Path(__file__).parent
_LIMIT = 900  # seconds
_GRADCLIP = Path(sys.executable).with_name("gradclip")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What became of a program.

    Attributes:
        seconds: How long it took, from its start to its end.
        code: Its exit status.
        output: What it printed, without what is masked.
        errors: What it printed to standard error.
        files: The digests of what it wrote.
    """

    seconds: float
    code: int
    output: str
    errors: str
    files: dict[str, str]


class Bench:
    """Where a program is run.

    Args:
        program: The program.
        folder: All that was fetched.
        room: A folder for this program alone.
    """

    def __init__(self, program: Program, folder: Path, room: Path) -> None:
        self._program = program
        self._folder = folder
        self._template = room / "template"
        self._work = room / "work"
        self.run_path = room / "run"
        self.shown = room / "shown.jsonl"
        self._fill()

    def plain(self) -> Ran:
        """Run the program as its author would."""
        return self._run([sys.executable, *self._command(self._script())])

    def followed(self) -> Ran:
        """Run the program under `gradclip run`."""
        for path in self.run_path.parent.glob("run*"):
            shutil.rmtree(path)
        command = [str(_GRADCLIP), "run", "--out", str(self.run_path)]
        return self._run([*command, *self._command(self._script())])

    def edited(self) -> Ran:
        """Run the copy that writes its losses and norms.

        Returns:
            What became of it.

        Raises:
            ValueError: A text that is to be replaced is not there.
        """
        self.shown.unlink(missing_ok=True)
        path = self._source()
        text = path.read_text(encoding="utf-8")
        for old, new in self._program.edits:
            if old not in text:
                msg = f"{path} has no {old!r}."
                raise ValueError(msg)
            text = text.replace(old, new)
        future = re.match(r"(#.*\n|\s*\n)*(from __future__ .*\n)?", text)
        start = future.end() if future else 0
        text = f"{text[:start]}import shown as _shown\n{text[start:]}"
        return self._run([sys.executable, *self._command(["edited.py"])], edited=text)

    def _fill(self) -> None:
        """Copy what the program needs, and have its data made."""
        self._template.mkdir(parents=True)
        source = self._program.source
        if source.folder and not source.file.endswith(".ipynb"):
            there = (self._folder / source.folder / source.file).parent
            ignored = shutil.ignore_patterns(".git", "*.ipynb", "assets")
            shutil.copytree(there, self._template, dirs_exist_ok=True, ignore=ignored)
        self._fresh()
        self._program.prepare(self._folder, self._work)
        shutil.rmtree(self._template)
        shutil.copytree(self._work, self._template)

    def _fresh(self) -> None:
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.copytree(self._template, self._work)

    def _script(self) -> list[str]:
        """Return what names the program to Python."""
        if self._program.module is not None:
            return ["-m", self._program.module]
        return [Path(self._program.source.file).with_suffix(".py").name]

    def _source(self) -> Path:
        """Return where the program's text is."""
        if self._program.module is not None:
            spec = find_spec(self._program.module)
            return Path((spec and spec.origin) or "")
        return self._template / self._script()[0]

    def _command(self, script: list[str]) -> list[str]:
        arguments = (a.replace("{work}", str(self._work)) for a in self._program.arguments)
        return [*script, *arguments]

    def _run(self, command: list[str], edited: str | None = None) -> Ran:
        """Run a command in a fresh copy of the folder."""
        self._fresh()
        if edited is not None:
            (self._work / "edited.py").write_text(edited, encoding="utf-8")
            shutil.copy(_HERE / "shown.py", self._work)
        start = time.perf_counter()
        done = subprocess.run(
            command, cwd=self._work, env=self._environ(), capture_output=True, text=True,
            timeout=_LIMIT, check=False,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        output = done.stdout
        for pattern in self._program.masked:
            output = re.sub(pattern, "...", output)
        return Ran(
            seconds=seconds,
            code=done.returncode,
            output=output,
            errors=done.stderr,
            files=dict(self._digests()),
        )

    def _environ(self) -> dict[str, str]:
        given = {k: v.replace("{work}", str(self._work)) for k, v in self._program.environ.items()}
        here = os.environ.get("PYTHONPATH", "")
        return {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_HERE / "environment"), here])),
            "PYTHONWARNINGS": "ignore",
            "SHOWN": str(self.shown),
            **given,
        }

    def _digests(self) -> Iterator[tuple[str, str]]:
        """Yield what the program wrote and its digest."""
        for pattern in self._program.files:
            for path in sorted(self._work.glob(pattern)):
                name = path.relative_to(self._work).as_posix()
                yield name, hashlib.sha256(path.read_bytes()).hexdigest()

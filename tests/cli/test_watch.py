"""Tests of `gradclip watch`."""

import os
import pty
import select
import struct
import subprocess
import time

import numpy as np
import pytest
from tests.cli.conftest import COMMAND, environment, gradclip

import gradclip as library
from gradclip.cli.watch import watch

WEIGHTS = {"first": np.ones((2, 2)), "last": np.ones((2, 1))}


def record_steps(recorder, count):
    """Record steps of global norm 5."""
    clipper = library.numpy.Clipper(library.GlobalNorm(1.0))
    for _ in range(count):
        clipper([np.array([[3.0, 0], [0, 0]]), np.array([[4.0], [0]])], names=list(WEIGHTS))
        recorder.record(clipper.report, loss=2.0)


def test_the_options_are_frozen():
    assert [parameter.opts[0] for parameter in watch.params] == ["run", "--every", "--once"]


def test_without_a_terminal_one_picture_is_printed(demo):
    _, folder = demo
    done = gradclip("watch", folder)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith(str(folder)[:40])
    assert any(line.startswith("3 steps") for line in lines)
    assert "\x1b" not in done.stdout
    assert any(line.startswith("w1 ") for line in lines)
    assert max(map(len, lines)) <= 80


def test_an_encoding_without_blocks_gets_ascii(demo):
    done = gradclip("watch", demo[1], PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert "###" in done.stdout
    assert done.stdout.isascii()
    assert "?" not in done.stdout


def test_of_compared_runs_the_newest_is_shown_and_the_others_are_named(comparison):
    done = gradclip("watch", "runs/demo-1", "--once", cwd=comparison[1], COLUMNS="120")
    assert "runs/demo-1/no-clip (newest of clip, no-clip)" in done.stdout.splitlines()[0]


def test_a_run_that_is_not_there_yet_is_one_message(tmp_path):
    done = gradclip("watch", tmp_path / "none")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: There is no run in {tmp_path}")
    assert "Traceback" not in done.stderr


def test_looks_that_are_too_frequent_are_refused(demo):
    assert gradclip("watch", demo[1], "--every", "0").returncode == 2


class Terminal:
    """The command in a real terminal of 100 columns and 30 lines."""

    def __init__(self, *arguments, **changes):
        fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment(**changes),
            start_new_session=True,
        )
        os.close(slave)
        self.output = ""

    def wait_for(self, text):
        """Read until a text has come."""
        deadline = time.monotonic() + 60
        while text not in self.output:
            assert time.monotonic() < deadline, self.output[-2000:]
            if select.select([self.master], [], [], 0.2)[0]:
                self.output += os.read(self.master, 65536).decode(errors="replace")

    def press(self, key):
        """Press a key."""
        os.write(self.master, key.encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def test_a_growing_run_is_followed_in_a_terminal_until_q_is_pressed(tmp_path):
    folder = tmp_path / "run"
    with library.Recorder(folder, WEIGHTS) as recorder:
        record_steps(recorder, 7)
        recorder.flush()
        with Terminal("watch", folder, "--every", "0.2", TERM="xterm-256color") as terminal:
            terminal.wait_for("7")
            terminal.wait_for("quit")
            record_steps(recorder, 1_227)
            terminal.wait_for("1,234")
            terminal.press("q")
            assert terminal.process.wait(timeout=30) == 0


def test_a_dumb_terminal_gets_one_picture(demo):
    with Terminal("watch", demo[1], TERM="dumb") as terminal:
        terminal.wait_for("weights")
        assert terminal.process.wait(timeout=30) == 0
        assert "\x1b" not in terminal.output

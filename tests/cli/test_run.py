"""Tests of `gradclip run`: a program does what it does without, and leaves a run."""

import os
import shlex
import subprocess
import sys

import pytest
from tests.cli.conftest import COMMAND, environment, gradclip

import gradclip as package
from gradclip.cli.run import run

unix = pytest.mark.skipif(os.name == "nt", reason="fork and signals")

# Programs whose streams and exit status are the same with and without.
PLAIN = {
    "its-place": """
        import sys
        print(sys.argv, __name__, __file__, __spec__, sys.path, sys.flags.safe_path)
        """,
    "standard-input": "import sys; print(input()); print(sys.stdin.read().upper())",
    "bytes": r"import sys; sys.stdout.buffer.write(b'\xff\r\n\0')",
    "exit-3": "import sys; sys.exit(3)",
    "exit-text": "import sys; sys.exit('no such data')",
    "exit-at-once": "import os; os._exit(4)",
    "traceback": """
        def train(rate):
            return 1 / rate

        train(0)
        """,
    "syntax": "print('never'",
    "interrupted": "raise KeyboardInterrupt",
    "interruption-caught": """
        import os, signal
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            print("saved")
        """,
    "terminated": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "termination-caught": """
        import os, signal, sys
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
        os.kill(os.getpid(), signal.SIGTERM)
        """,
    "signals": """
        import signal
        print([signal.getsignal(n) for n in (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM)])
        """,
    "at-exit": "import atexit; atexit.register(print, 'bye'); print('here')",
    "no-torch": "import broken, torch",
    "broken-keras": "import keras",
    "broken-jax": "import jax",
    "lives-on": """
        for name in ("torch", "keras", "jax"):
            try:
                __import__(name)
            except Exception as error:
                print(repr(error))
        """,
}
# Frameworks that fail, beside the programs.
BROKEN = {
    "torch": "import nothing_of_that_name",
    "keras": "raise ValueError('a backend')",
    "jax": "def f(:",
    "broken": "",
}
# Trains without a framework; what it says is a hook's part.
TRAINING = """
import sys
import numpy as np
import gradclip
from gradclip.instrumenting.observation import Observation

session = gradclip.instrument()

def step(number):
    if session.framework is None:
        session.begin("numpy", [("w", np.zeros(2))], optimizer="by hand")
    if session.due:
        seen = Observation(names=("w",), parts_before=[float(number)], parts_after=[1.0])
        session.record(seen, loss=float(number))
    session.end_step()

def train(steps):
    for number in range(steps):
        step(number)
"""


@pytest.fixture
def folder(tmp_path):
    for name, text in BROKEN.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def write(folder, text, name="train.py"):
    lines = text.strip("\n").split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    (folder / name).write_text("\n".join(line[indent:] for line in lines) + "\n")


def trains(folder, text, name="train.py"):
    (folder / name).write_text(f"{TRAINING}\n{text}\n")


def start(command, folder, text=""):
    done = subprocess.run(
        [*command],
        input=text.encode(),
        capture_output=True,
        cwd=folder,
        env=environment(),
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def runs(folder):
    return {path.name: package.read_run(path) for path in sorted((folder / "runs").glob("*"))}


def test_the_options_are_frozen():
    names = [option.opts[0] for option in run.params]
    assert names == [
        *("--clip", "--steps", "--every", "--out", "--quiet", "--tensorboard", "--serve"),
        "--print-env",
    ]


@unix
@pytest.mark.parametrize("name", list(PLAIN))
def test_a_program_does_what_it_does_without(folder, name):
    write(folder, PLAIN[name])
    alone = start([sys.executable, "train.py", "--help", "-m", "a b"], folder, "one\ntwo\n")
    beside = start(
        [*COMMAND, "run", "--quiet", "train.py", "--help", "-m", "a b"], folder, "one\ntwo\n"
    )
    assert beside == alone
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("module", ["its_place", "package", "package.part"])
def test_a_module_does_what_it_does_without(folder, module):
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("")
    for name in ("its_place.py", "package/__main__.py", "package/part.py"):
        write(
            folder, "import sys; print(sys.argv, __name__, __file__, __spec__.name, sys.path)", name
        )
    alone = start([sys.executable, "-m", module, "--steps", "x"], folder)
    assert start([*COMMAND, "run", "--quiet", "-m", module, "--steps", "x"], folder) == alone
    assert alone[0] == 0


@unix
def test_a_command_does_what_it_does_without(folder):
    command = ["bash", "-c", "cat; yes | head -n 2; echo error >&2; exit 7", "--steps"]
    alone = start(command, folder, "text")
    assert start([*COMMAND, "run", "--quiet", "--", *command], folder, "text") == alone
    assert alone[:2] == (7, b"texty\ny\n")


def test_a_run_is_named_after_the_script(tmp_path):
    trains(tmp_path, "train(5); print(sys.argv)", "mine.py")
    for _ in range(2):
        done = gradclip("run", "mine.py", "--lr", "0.1", cwd=tmp_path)
        assert done.stdout == "['mine.py', '--lr', '0.1']\n"
        assert "5 steps" in done.stderr
    found = runs(tmp_path)
    assert list(found) == ["mine-1", "mine-2"]
    first = found["mine-1"]
    assert first.loss.tolist() == [0, 1, 2, 3, 4]
    assert (first.metadata.program, first.status) == ("mine.py", "finished")
    assert first.metadata.arguments == {"argv": ["--lr", "0.1"]}


def test_a_run_is_named_after_the_module(tmp_path):
    (tmp_path / "package").mkdir()
    trains(tmp_path, "train(2)", "package/__main__.py")
    trains(tmp_path, "train(2)", "package/part.py")
    for module in ("package", "package.part"):
        assert gradclip("run", "-m", module, "x", cwd=tmp_path).returncode == 0
    found = runs(tmp_path)
    assert {name: run.metadata.program for name, run in found.items()} == {
        "package-1": "package",
        "part-1": "part.py",
    }
    assert found["part-1"].metadata.arguments == {"argv": ["x"]}


@unix
def test_programs_one_after_the_other_leave_a_run_each(tmp_path):
    trains(tmp_path, "train(2)", "a.py")
    trains(tmp_path, "train(3)", "b.py")
    python = shlex.quote(sys.executable)
    command = f"{python} a.py; {python} b.py"
    done = gradclip("run", "--out", "runs/both", "--", "bash", "-c", command, cwd=tmp_path)
    assert done.returncode == 0
    assert {name: len(run.steps) for name, run in runs(tmp_path).items()} == {
        "both": 2,
        "both-2": 3,
    }


@pytest.mark.parametrize(
    ("ending", "code", "status"),
    [
        ("", 0, "finished"),
        ("sys.exit(3)", 3, "failed"),
        ("1 / 0", 1, "failed"),
        ("raise KeyboardInterrupt", -2, "interrupted"),
    ],
)
def test_the_run_says_how_the_program_ended(tmp_path, ending, code, status):
    trains(tmp_path, f"train(2)\n{ending}")
    assert gradclip("run", "train.py", cwd=tmp_path).returncode == code
    assert runs(tmp_path)["train-1"].status == status


@pytest.mark.parametrize(
    "loop",
    [
        "train(10**9)",
        "for n in range(10**9):\n    try:\n        step(n)\n    except Exception:\n        pass",
        "try:\n    train(10**9)\nfinally:\n    print('saved')",
    ],
)
def test_training_ends_after_the_steps_that_are_asked_for(tmp_path, loop):
    trains(tmp_path, loop)
    done = gradclip("run", "--steps", 4, "--every", 2, "train.py", cwd=tmp_path)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    found = runs(tmp_path)["train-1"]
    assert (found.steps.tolist(), found.status) == ([0, 2], "finished")


def test_options_have_twins_in_the_environment(tmp_path):
    trains(tmp_path, "train(10)")
    done = gradclip(
        *("run", "--steps", 3, "train.py"),
        cwd=tmp_path,
        GRADCLIP_RUN_STEPS="5",
        GRADCLIP_RUN_OUT="runs/mine",
        GRADCLIP_RUN_QUIET="1",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {name: len(run.steps) for name, run in runs(tmp_path).items()} == {"mine": 3}


@unix
def test_a_shell_can_have_all_that_it_starts_followed(tmp_path):
    trains(tmp_path, "train(10)")
    printed = gradclip("run", "--print-env", "--steps", 2, "--out", "runs/a b", cwd=tmp_path)
    script = f'{printed.stdout}\ncd /; {shlex.quote(sys.executable)} "{tmp_path}/train.py"'
    before = os.pathsep.join(["one", "two"])
    done = subprocess.run(
        ["bash", "-c", f"{script}; echo $PYTHONPATH"],
        env=environment(PYTHONPATH=before),
        capture_output=True,
        text=True,
        check=True,
    )
    assert {name: len(run.steps) for name, run in runs(tmp_path).items()} == {"a b": 2}
    assert done.stdout.strip().endswith(os.pathsep + before)


def test_an_empty_directory_is_taken_and_a_used_one_refused(tmp_path):
    trains(tmp_path, "print('here'); train(1)")
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    assert gradclip("run", "--out", "runs/mine", "train.py", cwd=tmp_path).returncode == 0
    assert list(runs(tmp_path)) == ["mine"]
    refused = gradclip("run", "--out", "runs/mine", "train.py", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "is in use" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Nothing to run"),
        (("--",), "Nothing to run"),
        (("-m",), "requires a module"),
        (("tarin.py",), "There is no script 'tarin.py'. Did you mean 'train.py'?"),
        (("xyzzy.py",), "There is no script 'xyzzy.py'.\n"),
        (("env", "a"), "For the command: gradclip run -- env ..."),
        (("--", "no-such-command"), "There is no command 'no-such-command'."),
        (("--clip", "global-nrom=1", "train.py"), "Did you mean 'global-norm=1'?"),
        (("--clip", "norm=x", "train.py"), "must be a number, got 'x'"),
        (("--steps", "0", "train.py"), "0 is not in the range x>=1"),
        (("--every", "x", "train.py"), "'x' is not a valid integer range"),
        (("--stesp", "1", "train.py"), "Did you mean '--steps'?"),
    ],
)
def test_a_mistake_is_said_before_anything_starts(tmp_path, arguments, message):
    (tmp_path / "train.py").write_text("print('started')")
    done = gradclip("run", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert not (tmp_path / "runs").exists()


def test_numpys_threads_are_the_programs(tmp_path):
    (tmp_path / "train.py").write_text("import os; print(os.environ.get('OPENBLAS_NUM_THREADS'))")
    kept = {k: v for k, v in environment().items() if k != "OPENBLAS_NUM_THREADS"}
    command = [*COMMAND, "run", "train.py"]
    done = subprocess.run(
        command, env=kept, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "None\n"


def test_a_program_without_a_framework_is_said_to_be_one(tmp_path):
    (tmp_path / "train.py").write_text("")
    assert "nothing was recorded" in gradclip("run", "train.py", cwd=tmp_path).stderr
    assert gradclip("run", "--quiet", "train.py", cwd=tmp_path).stderr == ""

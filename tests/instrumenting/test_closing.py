"""The closing summary is said once, on standard error alone, whatever that can show."""

import io
import sys

import pytest
from rich.console import Console

from gradclip.instrumenting import closing as closing_module
from gradclip.instrumenting.closing import closing, nothing_seen
from gradclip.instrumenting.screen import drawn
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.settings import Settings
from gradclip.instrumenting.summary import summarize
from tests.instrumenting.sessions import filled

STEPS = [{"before": [3, 0, 4], "after": [0.3, 0, 0.4], "loss": 2.0}] * 3


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in closing_module._RANKS:
        monkeypatch.delenv(name, raising=False)


def said(capsys):
    """What was said on standard error; nothing on standard output."""
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_the_summary_says_what_training_came_to_and_what_to_do_next(tmp_path, capsys):
    closing(filled(tmp_path / "runs/mine", STEPS, policy="global-norm=0.5"))
    text = said(capsys)
    assert "3 steps with PyTorch SGD\n" in text
    assert "2 → 2" in text
    assert "median 5  99 % ≤ 5  largest 5 at step 0" in text
    assert "3 of 3 steps (100 %) by global-norm=0.5, median scale 0.1" in text
    assert "w2: 64 % of the squared global norm" in text
    assert "3 tensors, 12 entries" in text
    assert "gradclip report runs/mine\n" in text
    assert "gradclip watch runs/mine\n" in text
    assert "\x1b" not in text


def test_clipping_that_was_asked_for_is_told_from_the_program_s_own(tmp_path, capsys):
    closing(filled(tmp_path / "run", STEPS, clip="global-norm=0.5"))
    assert "by --clip global-norm=0.5" in said(capsys)


def test_notes_are_said_and_are_in_the_run(tmp_path, capsys):
    session = filled(tmp_path / "run", STEPS, notes=["Weights are changed by hand."])
    closing(session)
    assert "note           Weights are changed by hand.\n" in said(capsys)
    assert summarize(session).status == "finished"


@pytest.mark.parametrize("settings", [{"quiet": True}, {"rank": 1}])
def test_quiet_runs_and_other_ranks_say_nothing(tmp_path, capsys, settings):
    filled(tmp_path / "run", STEPS)
    closing(filled(tmp_path / "run", STEPS, **settings))
    assert said(capsys) == ""


@pytest.mark.parametrize("width", [20, 50, 80, 140])
def test_it_fits_any_width_and_is_some_25_lines(tmp_path, width):
    summary = summarize(filled(tmp_path / "run", STEPS))
    console = Console(file=io.StringIO(), width=width)
    lines = drawn(summary, ["A note."], console).splitlines()
    assert max(map(len, lines)) <= width
    assert width < 80 or len(lines) <= 20


def test_any_encoding_will_do(tmp_path, monkeypatch):
    session = filled(tmp_path / "run", STEPS, notes=["Ωmega → ∞"])
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    closing(session)
    stream.flush()
    text = stream.buffer.getvalue().decode("ascii")
    assert "2 > 2" in text
    assert "?mega > inf" in text


def test_it_never_raises(tmp_path, monkeypatch):
    session = filled(tmp_path / "run", STEPS)
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    closing(session)
    monkeypatch.setattr(sys, "stderr", None)
    closing(session)
    (tmp_path / "run" / "run.json").write_text("no")
    monkeypatch.undo()
    closing(session)


def test_without_a_step_it_says_what_was_seen_and_what_to_add():
    text = nothing_seen(["Gradients were computed 3 times."], ["torch"], "runs/mine")
    assert "no training step was seen" in text
    assert "torch imported\n" in text
    assert "Gradients were computed 3 times.\n" in text
    assert 'gradclip.Recorder("runs/mine", pairs)\n' in text


def test_without_a_framework_it_is_one_line():
    assert nothing_seen([], [], "run").count("\n") == 1


def test_only_the_process_that_was_started_says_that_nothing_was_seen(tmp_path, capsys):
    session = Session(Settings(out=str(tmp_path / "run")))
    closing(session, first=False)
    assert said(capsys) == ""
    closing(session)
    assert "nothing was recorded" in said(capsys)


def test_where_a_child_has_written_the_run_its_parent_says_nothing(tmp_path, capsys):
    filled(tmp_path / "run", STEPS)
    closing(Session(Settings(out=str(tmp_path / "run"))))
    assert said(capsys) == ""


@pytest.mark.parametrize("framework", sorted(closing_module._BY_HAND))
def test_the_lines_to_add_compile(framework):
    for line in closing_module._BY_HAND[framework]:
        compile(line.format("runs/mine"), "<added>", "exec")


def test_what_is_to_be_added_in_pytorch_records_the_step(tmp_path):
    torch = pytest.importorskip("torch")
    import gradclip  # noqa: PLC0415 - what the user's program has imported

    model = torch.nn.Linear(2, 1)
    once, each = closing_module._BY_HAND["torch"]
    names = {"gradclip": gradclip, "model": model}
    exec(once.format(tmp_path / "run"), names)
    for _ in range(3):
        loss = model(torch.ones(4, 2)).square().mean()
        loss.backward()
        exec(each, names | {"loss": loss})
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.1 * parameter.grad
    names["recorder"].close()
    run = gradclip.read_run(tmp_path / "run")
    assert run.metadata.parameters[0].name == "weight"
    assert (run.loss > 0).all()

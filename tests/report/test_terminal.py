"""Tests of what a terminal shows."""

import io
import math

import pytest
from rich.console import Console

from gradclip.record import Parameter, StepRecord
from gradclip.report.facts import gather
from gradclip.report.figures import figures
from gradclip.report.terminal import norms_table, summary_table


def record(before, after, **changes):
    fields = {
        "step": 100,
        "time": 1.0,
        "loss": 0.25,
        "global_norm_before": 50.0,
        "global_norm_after": 15.0,
        "scale": 0.3,
        "norms_before": before,
        "norms_after": after,
    }
    return StepRecord(**(fields | changes))


def lines(renderable, width=60):
    file = io.StringIO()
    Console(width=width, file=file).print(renderable)
    return [line.rstrip() for line in file.getvalue().splitlines()]


PARAMETERS = [Parameter("w1", (2, 2)), Parameter("b1", (2,))]


def test_each_parameter_has_its_norms_and_its_scale():
    title, header, weight, bias = lines(norms_table(PARAMETERS, record((40.0, 2.0), (12.0, 2.0))))
    assert title == "step 100  loss 0.25  global norm 50 → 15"
    assert header.split() == ["before", "after", "x", "scale", "input", "to", "output,", "log"]
    assert weight.split()[:4] == ["w1", "40", "12", "0.3"]
    assert bias.split()[:4] == ["b1", "2", "2", "1"]


def test_what_clipping_took_away_is_the_pale_end_of_a_bar():
    weight, bias = lines(norms_table(PARAMETERS, record((40.0, 2.0), (12.0, 2.0))))[2:]
    assert "█░" in weight
    assert "░" not in bias


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width):
    drawn = lines(norms_table(PARAMETERS, record((4e-30, 2.0), (4e-30, 2.0))), width)
    assert len(drawn) == 4
    assert max(map(len, drawn)) <= width


def test_broken_norms_are_shown_without_a_scale():
    drawn = lines(norms_table(PARAMETERS, record((math.nan, math.inf), (math.nan, math.inf))))
    assert drawn[2].split()[:4] == ["w1", "NaN", "NaN", "-"]
    assert drawn[3].split()[:4] == ["b1", "∞", "∞", "-"]


def test_zero_norms_have_no_bar():
    assert lines(norms_table(PARAMETERS, record((0.0, 1.0), (0.0, 1.0))))[2].split() == [
        *("w1", "0", "0", "-")
    ]


def test_a_deep_network_shows_some_weights_from_the_first_to_the_last():
    parameters = [Parameter(f"{'wb'[i % 2]}{i // 2}", (2,) * (2 - i % 2)) for i in range(60)]
    drawn = lines(norms_table(parameters, record((1.0,) * 60, (1.0,) * 60)))
    names = [line.split()[0] for line in drawn[2:-1]]
    assert len(names) == 12
    assert (names[0], names[-1]) == ("w0", "w29")
    assert drawn[-1] == "12 of 60 parameters; the report has all"


def test_an_ascii_terminal_gets_ascii_bars():
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    Console(width=60, file=file).print(norms_table(PARAMETERS, record((40.0, 2.0), (12.0, 2.0))))
    file.seek(0)
    assert "#-" in file.read()


def test_the_summary_names_the_vanishing_ratio(run):
    drawn = "\n".join(lines(summary_table({"run": figures(gather("run", run))})))
    assert "test accuracy" in drawn
    assert "1 of 4 (25 %)" in drawn
    assert "1.33 → 0.5" in drawn


def test_a_summary_of_nothing_can_be_drawn(empty_run):
    assert lines(summary_table({"run": figures(gather("run", empty_run))}))


def test_several_runs_stand_side_by_side(run, broken_run):
    header = lines(
        summary_table(
            {"clip": figures(gather("run", run)), "no-clip": figures(gather("run", broken_run))}
        )
    )[0]
    assert header.split() == ["clip", "no-clip"]

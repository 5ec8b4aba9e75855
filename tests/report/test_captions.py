"""Tests of the charts in words."""

from tests.report.conftest import facts_of

from gradclip.report.captions import captions, headline, subtitle, together
from gradclip.report.facts import gather


def test_the_headline_says_what_the_run_was(run, facts):
    assert headline([facts]) == "4 steps with PyTorch, clipped by global-norm=15"
    assert headline([gather("clip", run), gather("no-clip", run)]) == "clip and no-clip compared"


def test_an_unfinished_run_says_so(empty_run):
    assert "interrupted after 0 steps" in subtitle([gather("run", empty_run)])


def test_the_norm_s_caption_counts_clipped_steps(facts):
    caption = captions(facts)["norm"]
    assert caption == (
        "Before clipping the norm peaked at 50 (step 0) and ended at 2.24. "
        "The limit of 15 acted on 1 of 4 steps (25 %)."
    )


def test_a_limit_that_was_never_reached_says_so(tmp_path):
    caption = captions(facts_of(tmp_path / "run", [[1.0], [2.0]]))["norm"]
    assert caption.endswith("The limit of 15 was never reached.")


def test_broken_steps_are_told(broken_run):
    assert "NaN or infinite on 2 steps" in captions(gather("run", broken_run))["norm"]


def test_several_runs_are_told_apart(run, broken_run):
    lines = together([gather("clip", run), gather("no-clip", broken_run)])["loss"].split("\n")
    assert [line.split(":")[0] for line in lines] == ["clip", "no-clip"]


def test_every_caption_stands_for_a_run_without_steps(empty_run):
    assert all(captions(gather("run", empty_run)).values())


def test_what_was_not_recorded_is_said(tmp_path):
    run = facts_of(tmp_path / "run", [[1.0]], loss=None, accuracy=None)
    found = captions(run)
    assert found["loss"] == "No loss was recorded."
    assert found["accuracy"] == "No accuracy was recorded."
    assert found["updates"] == "No update was measured."

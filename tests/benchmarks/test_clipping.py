"""The page of recurrent networks agrees with what was stored, and trainings with what they say."""

import math
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.clipping import jobs, page, store
from benchmarks.clipping.courses import CharacterCourse, TemporalOrderCourse
from benchmarks.clipping.jobs import PARTS
from benchmarks.clipping.train import Outcome, train

from gradclip import Chain
from gradclip.experiments.recurrent.network import draw_weights

SHORT = next(job for job in jobs.lengths() if job.length == 10)
TEXT = replace(next(jobs.rates()), steps=60, hidden=16)


@pytest.fixture(scope="module")
def stored():
    return store.read()


def test_the_page_is_made_of_the_stored_outcomes(stored):
    assert page.render(stored, store.place()) == page.PAGE.read_text()


def test_every_job_has_an_outcome_and_every_outcome_a_job(stored):
    assert set(stored) == {job for part in PARTS.values() for job in part()}


def test_all_policies_are_compared_on_both_tasks():
    names = [page.name_of(policy).partition("(")[0] for policy in jobs.POLICIES]
    assert names == [page.name_of(p).partition("(")[0] for p in jobs.CHARACTER_POLICIES]
    assert len(set(names)) == len(page.NAMES)


def test_short_sequences_are_solved_with_clipping_and_without():
    for policy in ("none", jobs.CLIP):
        outcome = train(replace(SHORT, policy=policy, steps=4000))
        assert outcome.solved_at == outcome.steps < 4000
        assert outcome.test_error < 0.01
        assert outcome.clipped == 0 or policy == jobs.CLIP


def test_the_same_seed_sees_the_same_batches_with_any_policy():
    losses = {
        policy: train(replace(TEXT, steps=60, policy=policy)).losses
        for policy in ("none", "global-norm=1e9", "global-norm=0.01")
    }
    assert losses["none"] == losses["global-norm=1e9"]
    assert losses["none"][0] == losses["global-norm=0.01"][0]
    assert losses["none"][-1] < losses["global-norm=0.01"][-1]


def test_a_rate_far_too_high_diverges_without_clipping_and_is_counted():
    free, held = (
        train(replace(TEXT, policy=policy, lr=30.0, hidden=50))
        for policy in ("none", "global-norm=0.01")
    )
    assert free.test_loss > 10 > held.test_loss
    assert free.clipped == 0 < held.clipped == held.steps == 60
    assert free.largest_norm > held.largest_norm


def test_the_text_for_testing_is_not_trained_on():
    course = CharacterCourse(TEXT)
    train_text, test_text = course.texts
    assert test_text.symbols.size == pytest.approx(0.1 * train_text.symbols.size / 0.9, rel=1e-3)
    whole = np.concatenate([train_text.symbols, test_text.symbols])
    assert whole.size > 300_000
    for batch, text in zip(
        (
            next(course.batches(np.random.default_rng(0))),
            course.draw_test(np.random.default_rng(0)),
        ),
        (train_text, test_text),
        strict=True,
    ):
        characters = "".join(map(chr, text.symbols))
        assert all("".join(map(chr, row)) in characters for row in batch.inputs[:5])


def test_a_guess_does_not_solve_the_task():
    course = TemporalOrderCourse(SHORT)
    rng = np.random.default_rng(0)
    weights = draw_weights(rng, 6, 50, 4)
    loss, error = course.test(weights, rng)
    assert loss == pytest.approx(math.log(4), rel=0.2)
    assert error == pytest.approx(0.75, abs=0.1)
    assert not course.solved(weights, rng)


def test_two_policies_are_a_chain():
    policy = jobs.policy_of("zclip + global-norm=1")
    assert isinstance(policy, Chain)
    assert jobs.policy_of("none") is None


def test_outcomes_are_read_as_they_were_written(tmp_path):
    outcome = Outcome(
        steps=7, test_loss=math.inf, test_error=0.25, largest_norm=1.5e30, losses=[2.0, math.inf]
    )
    path = tmp_path / "outcomes.json"
    store.write({SHORT: outcome}, path)
    assert store.read(path) == {SHORT: outcome}
    assert "NumPy" in store.place(path)


def test_a_median_takes_what_overflowed_for_the_worst():
    assert page.middle([1.0, math.nan, 2.0]) == 2.0
    assert page.middle([1.0, math.nan, math.nan]) == math.inf


def test_the_plots_are_drawn_of_the_stored_outcomes(stored, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    from benchmarks.clipping import plots  # noqa: PLC0415 - matplotlib may be missing

    committed = plots.FOLDER
    monkeypatch.setattr(plots, "FOLDER", tmp_path)
    files = plots.write_plots(stored)
    assert {file.name for file in files} == {file.name for file in committed.glob("clipping-*.svg")}
    for file in files:
        assert file.read_text().count("<path") > 20

"""Tests of long runs at a screen's width: as if every step had been looked at."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradclip.record import RunWriter, StepRecord, open_run, read_run
from gradclip.record.thin import bucket_starts, merge, thin


def write(path, metadata, steps, **options):
    rng = np.random.default_rng(len(steps))
    with RunWriter(path, metadata, **options) as writer:
        for step in steps:
            norms = rng.lognormal(size=2)
            norms[rng.random(2) < 0.02] = rng.choice([0.0, np.nan, np.inf])
            total = float(np.hypot(*norms))
            writer.write(
                StepRecord(
                    step=step,
                    time=0.1 * step,
                    loss=float(rng.normal()),
                    global_norm_before=total,
                    global_norm_after=min(total, 1.0),
                    scale=1.0,
                    skipped=not np.isfinite(total),
                    norms_before=norms,
                    norms_after=norms / 2,
                    largest=norms / 3,
                    nonfinite=(0, 0),
                    zeros=(1, 2),
                )
            )


def check(path, num_buckets, first=None, last=None):
    """Check every bucket against the steps that it says it is of."""
    run = read_run(path)
    chosen = np.ones(len(run.steps), bool)
    chosen &= run.steps >= (first or 0)
    chosen &= run.steps <= (np.inf if last is None else last)
    found = open_run(path).thin(num_buckets, first, last)
    assert 1 <= len(found.steps) <= num_buckets
    assert found.rows.sum() == chosen.sum()
    starts = np.searchsorted(run.steps[chosen], found.steps)
    assert (run.steps[chosen][starts + found.rows - 1] == found.last_steps).all()
    for name in ("loss", "global_norm_before", "norms_before", "norms_after", "largest", "zeros"):
        expected = thin(getattr(run, name)[chosen].astype(float), starts)
        for part in ("low", "mean", "high", "zeros", "nans", "infinities"):
            np.testing.assert_allclose(
                getattr(found.columns[name], part), getattr(expected, part), rtol=1e-6
            )


@pytest.mark.parametrize("num_buckets", [1, 2, 7, 60, 700, 5000])
def test_every_spike_of_a_long_run_survives(tmp_path, metadata, num_buckets):
    write(tmp_path, metadata, range(2500))
    check(tmp_path, num_buckets)
    check(tmp_path, num_buckets, 100, 2200)


def test_resumed_runs_are_thinned_as_they_stand(tmp_path, metadata):
    write(tmp_path, metadata, range(1500))
    write(tmp_path, metadata, range(1111, 2600), resume=True)
    check(tmp_path, 2)
    check(tmp_path, 50)


def test_a_damaged_summary_is_made_again(tmp_path, metadata):
    write(tmp_path, metadata, range(200))
    path = tmp_path / "summaries-32-0000-rank0.records"
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    check(tmp_path, 3)


def test_a_run_without_steps_has_no_buckets(tmp_path, metadata):
    with RunWriter(tmp_path, metadata):
        pass
    assert open_run(tmp_path).thin(100).steps.tolist() == []


@settings(max_examples=50)
@given(
    st.lists(st.floats(), min_size=1, max_size=60),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_merging_is_thinning_twice(column, fine, coarse):
    column = np.array(column)
    starts = bucket_starts(len(column), fine)
    rows = np.diff(np.append(starts, len(column)))
    again = bucket_starts(len(starts), coarse)
    merged = merge(thin(column, starts), rows, again)
    expected = thin(column, starts[again])
    for part in ("low", "high", "zeros", "nans", "infinities"):
        np.testing.assert_array_equal(getattr(merged, part), getattr(expected, part))
    scale = np.maximum(np.abs(expected.low), np.abs(expected.high))
    gap = np.abs(merged.mean / 2 - expected.mean / 2)
    assert ((gap <= 1e-12 * scale) | np.isnan(expected.mean)).all()

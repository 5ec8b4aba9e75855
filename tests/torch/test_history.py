"""A ring of reports: everything comes out as it went in, and what is lost is counted."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import gradclip  # noqa: E402 - after the check for torch
import gradclip.torch as gt  # noqa: E402
from gradclip.errors import ConfigurationError  # noqa: E402

pytestmark = pytest.mark.torch


def steps(clipper, count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        clipper([torch.randn(3, generator=generator), torch.randn(2, 2, generator=generator)])
        yield clipper.report


@pytest.mark.parametrize("statistics", [False, True])
@pytest.mark.parametrize("policy", ["global-norm=1", "norm=1"])
def test_what_is_read_is_what_was_added(policy, statistics):
    clipper, history = gt.Clipper(policy, statistics=statistics), gt.History(50)
    reports = []
    for report in steps(clipper, 7):
        history.add(report)
        reports.append(report)
    recorded = history.read()
    assert recorded.names == ("0", "1")
    assert recorded.steps.tolist() == [*range(7)]
    for row, report in enumerate(reports):
        for name in ("norm_before", "norm_after", "scale", "skipped"):
            assert getattr(recorded, name)[row] == float(getattr(report, name))
        for name in ("parts_before", "parts_after"):
            np.testing.assert_array_equal(getattr(recorded, name)[row], getattr(report, name))
        np.testing.assert_array_equal(recorded.limit[row], np.ravel(report.limit))
        for name in ("largest", "nonfinite", "zeros"):
            column = getattr(recorded, name)
            if statistics:
                np.testing.assert_array_equal(column[row], getattr(report.statistics, name))
            else:
                assert column is None


def test_reading_empties_it_and_numbers_go_on():
    clipper, history = gt.Clipper("global-norm=1"), gt.History(4)
    for report in steps(clipper, 3):
        history.add(report)
    assert len(history) == 3
    assert history.read().steps.tolist() == [0, 1, 2]
    assert len(history) == 0
    assert history.read().steps.tolist() == []
    for report in steps(clipper, 3):
        history.add(report)
    assert history.read().steps.tolist() == [3, 4, 5]
    assert history.lost == 0


def test_what_nobody_read_in_time_is_lost_and_counted():
    clipper, history = gt.Clipper("global-norm=1"), gt.History(4)
    norms = []
    for report in steps(clipper, 11):
        history.add(report)
        norms.append(report.norm_before)
    recorded = history.read()
    assert recorded.steps.tolist() == [7, 8, 9, 10]
    assert recorded.norm_before.tolist() == norms[7:]
    assert history.lost == 7


def test_a_dropped_step_is_marked():
    clipper, history = gt.Clipper("global-norm=1", statistics=True), gt.History(4)
    clipper([torch.tensor([1.0, float("nan")])])
    history.add(clipper.report)
    recorded = history.read()
    assert recorded.skipped.tolist() == [True]
    assert recorded.nonfinite.tolist() == [[1.0]]
    assert np.isnan(recorded.norm_before).all()


@pytest.mark.parametrize("capacity", [0, -1, 2.5, True, None])
def test_capacities_that_make_no_sense(capacity):
    with pytest.raises(ConfigurationError, match="capacity"):
        gt.History(capacity)


def test_it_takes_reports_of_one_kind():
    history = gt.History()
    with pytest.raises(ConfigurationError, match="none"):
        history.read()
    clipper = gt.Clipper("global-norm=1")
    clipper([torch.ones(2)])
    history.add(clipper.report)
    for other in ([torch.ones(2), torch.ones(2)], [torch.ones(2)]):
        watching = gt.Clipper(gradclip.GlobalNorm(1.0), statistics=len(other) == 1)
        watching(other)
        with pytest.raises(ConfigurationError, match="history for each"):
            history.add(watching.report)

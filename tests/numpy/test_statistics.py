"""Statistics of NumPy arrays, by the C library and without it."""

import math

import ml_dtypes
import numpy as np
import pytest

import gradclip.numpy as gn
from gradclip.kernels import cpu
from gradclip.numpy import on_host

NAN, INF = math.nan, math.inf


@pytest.fixture(params=["C", "numpy"], autouse=True)
def way(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setattr(cpu, "available", lambda: False)
    elif not cpu.available():
        pytest.skip(cpu.describe())
    return request.param


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.longdouble]
)
def test_all_four_of_each_array(dtype):
    arrays = [
        np.array([3.0, 0.0, -4.0], dtype),
        None,
        np.array([[1.0, NAN], [-0.0, INF]], dtype),
        np.array([INF, 1.0], dtype),
        np.zeros((0, 5), dtype),
    ]
    seen = gn.gradient_statistics(arrays)
    np.testing.assert_allclose(seen.norms.astype(float), [5, 0, NAN, INF, 0])
    np.testing.assert_allclose(seen.largest.astype(float), [4, 0, NAN, INF, 0])
    assert seen.nonfinite.tolist() == [0, 0, 2, 1, 0]
    assert seen.zeros.tolist() == [1, 0, 1, 0, 0]
    assert seen.zeros.dtype == np.int64
    assert np.isnan(seen.global_norm)


def test_views_and_byte_orders_are_measured_as_they_are():
    base = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
    views = [base[:, ::2], base.T, np.asfortranarray(base), base.astype(">f4"), base[..., :1]]
    seen = gn.gradient_statistics(views)
    right = [float(np.linalg.norm(v.astype(float).ravel())) for v in views]
    np.testing.assert_allclose(seen.norms, right, rtol=1e-7)
    assert seen.largest.tolist() == [float(v.max()) for v in views]
    assert seen.zeros.tolist() == [1] * 5


def test_complex_entries_by_modulus():
    seen = gn.gradient_statistics([np.array([3 + 4j, 0, NAN])])
    assert seen.zeros.tolist() == [1]
    assert seen.nonfinite.tolist() == [1]
    assert gn.gradient_statistics([np.array([3 + 4j, 0])]).largest.tolist() == [5.0]


def test_no_array_at_all():
    assert [x.tolist() for x in gn.gradient_statistics([])] == [0.0, [], [], [], []]


def test_a_clipper_reports_them_as_they_came():
    clipper = gn.Clipper("global-norm=1", statistics=True)
    clipper([np.array([3.0, 0.0, -4.0]), None])
    seen = clipper.report.statistics
    assert [x.tolist() for x in seen[1:]] == [[5.0, 0.0], [4.0, 0.0], [0, 0], [1, 0]]


def test_arrays_that_the_library_cannot_take_are_left_to_numpy(way):
    if way == "C":
        assert on_host.table([np.ones(2)]) is not None
    for array in (np.ones(4)[::2], np.ones(2, np.complex64), np.ones(2, ">f8")):
        assert on_host.table([np.ones(2), array]) is None

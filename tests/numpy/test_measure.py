"""What is NumPy's own: memory layouts, wide and narrow extension types."""

import ml_dtypes
import numpy as np
import pytest

import gradclip
from gradclip.numpy import measure


def test_layouts_and_chunks_do_not_matter():
    entries = np.random.default_rng(0).normal(size=(700, 300)).astype(np.float32)
    exact = np.linalg.norm(entries.astype(np.longdouble).ravel())
    for view in (entries, entries.T, np.asfortranarray(entries), entries[::-1, ::-1]):
        assert float(measure.norm(view)) == pytest.approx(float(exact), rel=1e-14)


def test_long_doubles_keep_their_precision():
    entries = np.array([3, 4], np.longdouble) * np.longdouble("1e4000")
    clipped, norm = gradclip.clip_by_global_norm([entries], 1.0)
    assert norm == np.longdouble("5e4000")
    assert clipped[0].dtype == np.longdouble
    assert np.allclose(clipped[0].astype(float), [0.6, 0.8])


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "bfloat16"])
def test_extension_types_are_gradients(name):
    dtype = np.dtype(getattr(ml_dtypes, name))
    entries = np.array([3, 4], dtype)
    clipped, norm = gradclip.clip_by_global_norm([entries], 2.5)
    assert float(norm) == 5.0
    assert norm.dtype == np.float32
    assert clipped[0].dtype == dtype
    assert clipped[0].astype(float).tolist() == [1.5, 2.0]


def test_inputs_are_never_modified():
    entries = np.array([3.0, 4.0])
    entries.flags.writeable = False
    gradclip.clip_by_norm(entries, 1.0)
    gradclip.clip_by_value(entries, -1.0, 1.0)
    gradclip.adaptive_clip(entries, entries, 0.1)
    assert entries.tolist() == [3.0, 4.0]


def test_units_are_all_but_the_last_axis():
    gradient, weights = np.full((3, 3, 2, 4), 10.0), np.ones((3, 3, 2, 4))
    clipped = gradclip.adaptive_clip(gradient, weights, 0.1)
    norms = np.sqrt((clipped**2).sum(axis=(0, 1, 2)))
    assert np.allclose(norms, 0.1 * np.sqrt(18))
    vector = gradclip.adaptive_clip(np.array([3.0, 4.0]), np.array([3.0, 4.0]), 0.1)
    assert np.allclose(vector, [0.3, 0.4])


def test_subnormal_doubles_have_a_norm():
    assert float(gradclip.global_norm([np.array([3e-320, 4e-320])])) == pytest.approx(
        5e-320, rel=1e-3
    )


def test_bounds_may_be_arrays_but_not_grow_the_tensor():
    entries = np.array([[5.0, -5.0], [1.0, 1.0]])
    clipped = gradclip.clip_by_value(entries, np.array([-1.0, -2.0]), 3.0)
    assert clipped.tolist() == [[3.0, -2.0], [1.0, 1.0]]
    with pytest.raises(ValueError, match=r"must broadcast to the tensor's shape \(2, 2\)"):
        gradclip.clip_by_value(entries, np.zeros((3, 2, 2)), 1.0)

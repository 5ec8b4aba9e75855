"""Statistics of tensors: eager by the C library and without it, in functions, under XLA."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

tf = pytest.importorskip("tensorflow")

from tests.tensorflow.modes import MODES, every_mode  # noqa: E402

import gradclip.tensorflow as gt  # noqa: E402 - after TensorFlow
from gradclip import numpy as gn  # noqa: E402
from gradclip.kernels import cpu  # noqa: E402
from gradclip.tensorflow import on_host  # noqa: E402

pytestmark = pytest.mark.tensorflow
NAN, INF = math.nan, math.inf
LARGE = 40_000  # entries: more than are copied into bundles


@pytest.fixture(params=["C", "tensorflow"])
def way(request, monkeypatch):
    if request.param == "tensorflow":
        monkeypatch.setattr(cpu, "available", lambda: False)
    elif not cpu.available():
        pytest.skip(cpu.describe())
    return request.param


def found(tensors, mode=MODES["eager"]):
    return [column.numpy().tolist() for column in mode(gt.gradient_statistics)(tensors)[1:]]


@every_mode
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_all_four_of_each_tensor(mode, way, dtype):
    tensors = [
        tf.constant([3.0, 0.0, -4.0], dtype),
        None,
        tf.constant([[1.0, NAN], [-0.0, INF]], dtype),
        tf.constant([INF, 1.0], dtype),
        tf.zeros([0, 5], dtype),
        tf.fill([LARGE], tf.constant(-0.5, dtype)),
    ]
    norms, largest, nonfinite, zeros = found(tensors, mode)
    np.testing.assert_allclose(norms, [5, 0, NAN, INF, 0, 100], rtol=1e-6)
    np.testing.assert_allclose(largest, [4, 0, NAN, INF, 0, 0.5])
    assert nonfinite == [0, 0, 2, 1, 0, 0]
    assert zeros == [1, 0, 1, 0, 0, 0]


def test_counts_are_integers_and_norms_are_as_wide_as_the_tensors(way):
    narrow = gt.gradient_statistics([tf.ones([3])])
    wide = gt.gradient_statistics([tf.ones([3]), tf.ones([3], tf.float64)])
    assert [x.dtype for x in narrow] == [tf.float32] * 3 + [tf.int64] * 2
    assert [x.dtype for x in wide] == [tf.float64] * 3 + [tf.int64] * 2
    assert narrow.global_norm.shape == ()


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(width=32, allow_subnormal=False), max_size=20), max_size=5))
def test_the_same_as_numpy(lists):
    gradients = [np.array(x, np.float32) for x in lists]
    theirs = gn.gradient_statistics(gradients)
    with tf.GradientTape():  # TensorFlow's own operations
        ours = gt.gradient_statistics([tf.constant(x) for x in gradients])
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.numpy(), other, rtol=1e-6)


@every_mode
def test_denormal_numbers_are_no_zeros(mode, way):
    small = np.array([1e-40, 0.0, -0.0], np.float32)
    norms, largest, _, zeros = found([tf.constant(small)], mode)
    assert norms == largest == [float(small[0])]
    assert zeros == [2]


def test_no_tensor_at_all(way):
    assert found([]) == [[], [], [], []]
    assert found([None, None]) == [[0.0, 0.0], [0.0, 0.0], [0, 0], [0, 0]]


@every_mode
def test_complex_entries_by_modulus_and_sparse_rows_summed(mode):
    def look(entries, rows):
        slices = tf.IndexedSlices(rows, tf.constant([0, 0, 2]), tf.constant([4, 2]))
        return gt.gradient_statistics([entries, slices])

    rows = tf.constant([[1.0, 2.0], [2.0, 2.0], [0.0, 0.0]])
    _, *columns = mode(look)(tf.constant([3 + 4j, 0j]), rows)
    norms, largest, nonfinite, zeros = (column.numpy().tolist() for column in columns)
    assert norms == [5.0, 5.0]
    assert largest == [5.0, 4.0]
    assert nonfinite == [0, 0]
    assert zeros == [1, 2]  # stored zeros alone


def test_a_session_measures():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, None)
        seen = gt.gradient_statistics([x, None])
        columns = session.run(list(seen), {x: [[3.0, 0.0], [-4.0, NAN]]})[2:]
    assert np.isnan(columns[0][0])
    assert [c.tolist() for c in columns[1:]] == [[1, 0], [1, 0]]


def test_the_library_reads_what_nobody_differentiates():
    if not cpu.available():
        pytest.skip(cpu.describe())
    x = tf.constant([3.0, 4.0])
    slices = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([0]))
    assert on_host.norms([x, None]).numpy().tolist() == [5.0, 0.0]
    assert on_host.norms([tf.constant([1j])]) is None
    assert on_host.norms([x, slices]) is None
    with tf.GradientTape() as tape:
        tape.watch(x)
        assert on_host.norms([x]) is None
        norm = gt.gradient_statistics([x]).global_norm
    assert np.allclose(tape.gradient(norm, x), [0.6, 0.8])


@every_mode
def test_a_clipper_reports_them_as_they_came(mode):
    clipper = gt.Clipper("global-norm=1", statistics=True)
    step = mode(lambda t: clipper([t, None]))
    for factor in (1.0, 2.0):
        step(tf.constant([3.0, 0.0, -4.0]) * factor)
    seen = clipper.report.statistics
    assert float(seen.global_norm) == 10.0
    assert [x.numpy().tolist() for x in seen[1:]] == [[10.0, 0.0], [8.0, 0.0], [0, 0], [1, 0]]
    assert seen.zeros.dtype == tf.int64


@every_mode
def test_a_skipped_step_tells_where_it_went_wrong(mode):
    clipper = gt.Clipper("global-norm=1", statistics=True)
    clipped = mode(lambda *ts: clipper(ts))(tf.constant([1.0, NAN, INF]), tf.ones([1]))
    assert [t.numpy().tolist() for t in clipped] == [[0.0] * 3, [0.0]]
    assert clipper.report.statistics.nonfinite.numpy().tolist() == [2, 0]


def test_a_function_returns_what_it_found():
    clipper = gt.Clipper("global-norm=1", statistics=True)

    @tf.function
    def step(gradient):
        clipper([gradient])
        return clipper.report.statistics.largest

    assert step(tf.constant([3.0, -4.0])).numpy().tolist() == [4.0]
    assert gt.Clipper("global-norm=1").report is None

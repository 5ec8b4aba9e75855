"""Reports that functions return."""

import pytest

import gradclip

tf = pytest.importorskip("tensorflow")
from gradclip.tensorflow import Clipper  # noqa: E402 - after the check for TensorFlow

pytestmark = pytest.mark.tensorflow
GRADIENTS = [[3.0], [4.0]]


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("policy", [gradclip.GlobalNorm(1.0), gradclip.Norm(1.0)])
def test_a_function_returns_the_report(policy, xla):
    clipper = Clipper(policy)

    @tf.function(jit_compile=xla)
    def step(gradients):
        return clipper(gradients), clipper.report

    for factor in (1.0, 2.0):
        _, report = step([factor * tf.constant(g) for g in GRADIENTS])
        assert str(report) == str(clipper.report)
        assert float(report.norm_before) == 5.0 * factor
        assert report.names == ("0", "1")
        assert report.statistics is None


def test_a_function_returns_statistics_with_the_report():
    clipper = Clipper(gradclip.GlobalNorm(1.0), statistics=True)

    @tf.function
    def step(gradients):
        clipper(gradients)
        return clipper.report

    report = step([tf.constant(g) for g in GRADIENTS])
    assert report.statistics.largest.numpy().tolist() == [3.0, 4.0]


def test_branches_and_loops_carry_reports():
    clipper = Clipper(gradclip.GlobalNorm(1.0))
    clipper.build([tf.zeros(1)])

    @tf.function
    def step(condition):
        clipper([tf.constant([3.0])])
        report = clipper.report
        return tf.cond(condition, lambda: report, lambda: report)

    assert float(step(tf.constant(value=True)).norm_after) == 1.0

"""What one look at gradients tells, in every framework, eager and compiled."""

import math

import numpy as np
import pytest
from tests.conformance import oracle
from tests.conformance.frameworks import parameters
from tests.conformance.gradients import present

every_mode = pytest.mark.parametrize("mode", parameters())
draw = np.random.default_rng(0)
GRADIENTS = {
    "of all sizes": [
        draw.normal(size=shape).astype(np.float32)
        for shape in [(300, 7), (5,), (), (0,), (2, 3, 4)]
    ],
    "with zeros and None": [np.float32([0.0, -0.0, 3.0]), None, np.zeros((2, 2), np.float32)],
    "not finite": [
        np.float32([np.inf, 1.0, 0.0]),
        np.float32([np.nan, -np.inf]),
        np.float32([1.0, -2.0]),
    ],
    "of 16 bits": [draw.normal(size=40).astype(np.float16), np.float16([300.0, -400.0])],
    "large and small": [np.float32([3e25, -4e25]), np.float32([3e-25, 4e-25])],
    "none": [],
}


def expected(gradient):
    """Norm, largest modulus, and how many entries are not finite and how many zero."""
    if gradient is None:
        return 0.0, 0.0, 0, 0
    entries = np.abs(oracle.wide(gradient))
    bad = int((~np.isfinite(entries)).sum())
    norm = math.nan if np.isnan(entries).any() else math.inf if bad else oracle.norm([gradient])
    return float(norm), float(entries.max(initial=0.0)), bad, int((entries == 0).sum())


@every_mode
@pytest.mark.parametrize("name", GRADIENTS)
def test_all_four_numbers_of_each_gradient(mode, name):
    gradients = GRADIENTS[name]
    found = mode.call("gradient_statistics", gradients)
    rows = [expected(g) for g in gradients]
    norms, largest, nonfinite, zeros = zip(*rows, strict=True) if rows else ((),) * 4
    np.testing.assert_allclose(found.norms, norms, rtol=1e-6)
    np.testing.assert_allclose(found.largest, largest, rtol=1e-7)
    assert found.nonfinite.tolist() == [*nonfinite]
    assert found.zeros.tolist() == [*zeros]
    assert found.nonfinite.dtype.kind == found.zeros.dtype.kind == "i"
    total = math.nan if any(map(math.isnan, norms)) else math.hypot(*norms)
    assert float(found.global_norm) == pytest.approx(total, rel=1e-6, nan_ok=True)


@every_mode
def test_the_global_norm_is_the_one_that_clipping_takes(mode):
    gradients = GRADIENTS["of all sizes"]
    found = mode.call("gradient_statistics", gradients)
    assert float(found.global_norm) == pytest.approx(
        float(mode.call("global_norm", present(gradients))), rel=1e-7
    )

"""Tests of finding spikes."""

import numpy as np

from gradclip.report.spikes import largest_spike


def find(norms):
    return largest_spike(np.arange(len(norms)), np.asarray(norms, float))


def test_what_stands_out_is_found_not_what_is_largest():
    norms = [100.0] * 30 + [1.0] * 30
    norms[50] = 10.0
    step, norm, factor = find(norms)
    assert (step, norm) == (50, 10.0)
    assert 9.99 < factor < 10.01


def test_values_that_no_logarithm_has_are_left_out():
    norms = [2.0] * 40
    norms[5], norms[6], norms[7], norms[30] = np.nan, np.inf, 0.0, 8.0
    assert find(norms) == (30, 8.0, 4.0)


def test_the_noise_of_batches_is_no_spike():
    assert find([1.0, 2.0] * 30) is None


def test_twenty_steps_tell_what_is_usual():
    assert find([1.0] * 20) is None
    assert find([]) is None

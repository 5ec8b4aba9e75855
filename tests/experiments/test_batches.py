"""Tests of the order of the images."""

from itertools import islice

import numpy as np

from gradclip.experiments.batches import batches, num_batches


def test_an_epoch_sees_every_image_once():
    epoch = np.concatenate(list(islice(batches(1000, 128, seed=0), num_batches(1000, 128))))
    np.testing.assert_array_equal(np.sort(epoch), np.arange(1000))


def test_the_last_batch_holds_what_is_left():
    assert [len(batch) for batch in islice(batches(10, 4, seed=0), 6)] == [4, 4, 2, 4, 4, 2]


def test_each_epoch_has_an_order_of_its_own():
    first, second = islice(batches(1000, 1000, seed=0), 2)
    assert (first != second).any()


def test_the_same_seed_gives_the_same_order_and_another_seed_another():
    first, again, other = (next(batches(1000, 1000, seed=seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_mnist_has_469_batches_of_128():
    assert num_batches(60000, 128) == 469

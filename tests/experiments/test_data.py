"""Tests of where MNIST is looked for."""

import hashlib
import shutil

import numpy as np
import pytest

from gradclip.errors import DataError
from gradclip.experiments import data
from gradclip.experiments.data import CHECKOUT, FILES, load_mnist
from gradclip.experiments.idx import IdxFile


@pytest.fixture
def no_checkout(monkeypatch, tmp_path):
    """Look from a place where no checkout is, for one small file."""
    monkeypatch.setattr(data, "CHECKOUT", tmp_path / "no-checkout")


@pytest.fixture
def small_files(monkeypatch, contents, array):
    files = [IdxFile("images", array.shape, hashlib.sha256(contents).hexdigest())] * 4
    monkeypatch.setattr(data, "FILES", files)


def test_the_checkout_has_all_of_mnist(mnist):
    assert mnist.train_images.shape == (60000, 784)
    assert mnist.test_images.shape == (10000, 784)
    assert np.bincount(mnist.train_labels).tolist()[:3] == [5923, 6742, 5958]
    assert mnist.test_labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_a_named_directory_is_used_and_no_other(tmp_path):
    for file in FILES[:3]:
        shutil.copy(CHECKOUT / f"{file.name}.gz", tmp_path)
    with pytest.raises(DataError, match=r"lacks t10k-labels-idx1-ubyte\.gz"):
        load_mnist(tmp_path)


def test_a_wrong_file_in_a_named_directory_is_named(tmp_path):
    for file in FILES:
        shutil.copy(CHECKOUT / "t10k-labels-idx1-ubyte.gz", tmp_path / f"{file.name}.gz")
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz has the shape \(10000,\)"):
        load_mnist(tmp_path)


@pytest.mark.usefixtures("no_checkout", "small_files")
def test_what_no_place_has_is_downloaded_once_into_the_cache(mirror, tmp_path, array):
    for _ in range(2):
        mirrors = [f"{mirror.address}/good/"]
        loaded = load_mnist(cache_dir=tmp_path / "cache", mirrors=mirrors)
        np.testing.assert_array_equal(loaded.train_images, array.reshape(4, 6))
    assert mirror.asked == ["good"]


@pytest.mark.usefixtures("no_checkout", "small_files")
def test_a_damaged_file_in_the_cache_is_named(tmp_path):
    (tmp_path / "images").write_bytes(b"\0\0\x08\x01\0\0\0\x05abc")
    with pytest.raises(DataError, match=r"images is truncated.*Delete it to have it fetched again"):
        load_mnist(cache_dir=tmp_path)

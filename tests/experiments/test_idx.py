"""Tests of reading IDX files."""

import gzip
from dataclasses import replace

import numpy as np
import pytest

from gradclip.errors import DataError
from gradclip.experiments.idx import read_idx


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_a_file_is_read_compressed_or_not(tmp_path, file, contents, array, pack):
    path = tmp_path / "images"
    path.write_bytes(pack(contents))
    np.testing.assert_array_equal(read_idx(path, file), array)


def test_another_compression_of_the_same_contents_is_the_same_file(tmp_path, file, contents, array):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(contents, compresslevel=1, mtime=7))
    np.testing.assert_array_equal(read_idx(path, file), array)


def test_a_missing_file_is_named(tmp_path, file):
    with pytest.raises(DataError, match=r"images\.gz cannot be read: No such file.*Delete it"):
        read_idx(tmp_path / "images.gz", file)


@pytest.mark.parametrize("size", [10, 20, 30, -1])
def test_a_truncated_compressed_file_is_named(tmp_path, file, contents, size):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(contents)[:size])
    with pytest.raises(DataError, match=r"images\.gz is truncated"):
        read_idx(path, file)


def test_a_truncated_plain_file_is_named_with_both_sizes(tmp_path, file, contents):
    path = tmp_path / "images"
    path.write_bytes(contents[:-4])
    with pytest.raises(DataError, match=r"images is truncated: 36 bytes instead of 40"):
        read_idx(path, file)


def test_a_file_with_something_behind_is_named(tmp_path, file, contents):
    path = tmp_path / "images"
    path.write_bytes(contents + b"!")
    with pytest.raises(DataError, match="is too long"):
        read_idx(path, file)


def test_damaged_compressed_data_are_named(tmp_path, file, contents):
    packed = bytearray(gzip.compress(contents))
    packed[15] ^= 0xFF
    path = tmp_path / "images.gz"
    path.write_bytes(packed)
    with pytest.raises(DataError, match="is damaged"):
        read_idx(path, file)


@pytest.mark.parametrize(
    "foreign", [b"", b"\0", b"<html>", b"\0\0\x08\x03\0\0", b"\0\0\x0d\x01" * 2]
)
def test_a_foreign_file_is_named(tmp_path, file, foreign):
    path = tmp_path / "images"
    path.write_bytes(foreign)
    with pytest.raises(DataError, match="is not an IDX file of bytes"):
        read_idx(path, file)


def test_another_shape_is_named(tmp_path, file, contents):
    path = tmp_path / "images"
    path.write_bytes(contents)
    with pytest.raises(DataError, match=r"has the shape \(4, 3, 2\) instead of \(2, 12\)"):
        read_idx(path, replace(file, shape=(2, 12)))


def test_other_contents_are_named_with_both_hashes(tmp_path, file, contents):
    path = tmp_path / "images"
    path.write_bytes(contents[:-1] + b"x")
    with pytest.raises(DataError, match=f"is another file: .* not {file.sha256}"):
        read_idx(path, file)

"""Tests of checking many records at once: as if each had been looked at."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradclip.record.checksums import checksums, sound


def records(count, size):
    """Return records of random bytes with the right checksums."""
    rows = np.zeros(count, np.dtype([("checksum", "<u4"), ("rest", f"V{size - 4}")]))
    rows["rest"] = np.frombuffer(
        np.random.default_rng(size).bytes(count * (size - 4)), f"V{size - 4}"
    )
    rows["checksum"] = checksums(rows)
    return rows


def test_a_checksum_is_zlib_s_of_what_follows_it():
    rows = records(3, 96)
    assert checksums(rows).tolist() == [zlib.crc32(row.tobytes()[4:]) for row in rows]


@pytest.mark.parametrize("size", [5, 8, 96, 100, 1023, 4000])
@pytest.mark.parametrize("count", [0, 1, 4095, 4096, 4097, 9000])
def test_right_records_are_sound(count, size):
    assert sound(records(count, size)).all()


ROWS = records(9000, 24)


@given(
    flips=st.lists(
        st.tuples(st.integers(0, 8999), st.integers(0, 23), st.integers(0, 7)), max_size=6
    )
)
def test_every_bit_that_is_flipped_is_found_where_it_is(flips):
    rows = ROWS.copy()
    for place, byte, bit in flips:
        rows.view(np.uint8).reshape(-1, 24)[place, byte] ^= np.uint8(1 << bit)
    damaged = (rows.view(np.uint8) != ROWS.view(np.uint8)).reshape(-1, 24).any(axis=1)
    np.testing.assert_array_equal(sound(rows), ~damaged)


def test_records_of_nothing_but_zeros_are_not_sound():
    assert not sound(np.zeros(8192, ROWS.dtype)).any()

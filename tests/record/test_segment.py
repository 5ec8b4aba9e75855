"""Tests of files of records: damage is noticed, wherever it is."""

import numpy as np
import pytest

from gradclip.record.layout import tensors_layout
from gradclip.record.segment import SegmentName, SegmentReader, SegmentWriter

LAYOUT = tensors_layout(5, "<f4", statistics=True)


def rows(steps):
    made = np.zeros(len(steps), LAYOUT)
    made["step"] = steps
    made["norms_before"] = np.asarray(steps)[:, None] + np.arange(5)
    return made


@pytest.fixture
def path(tmp_path):
    path = tmp_path / SegmentName(0, 0, "tensors").file
    writer = SegmentWriter(path, LAYOUT)
    writer.append(rows([0, 1, 2]))
    writer.append(rows([3]))
    writer.close()
    return path


def test_records_come_back_as_they_were_written(path):
    reader = SegmentReader(path)
    assert (len(reader), reader.layout) == (4, LAYOUT)
    found, sound = reader.read(1, 9)
    assert sound.all()
    assert found["step"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(found["norms_before"], rows([1, 2, 3])["norms_before"])


def test_a_torn_record_is_not_there(path):
    data = path.read_bytes()
    for missing in range(1, LAYOUT.itemsize, 7):
        path.write_bytes(data[:-missing])
        assert len(SegmentReader(path)) == 3


def test_no_damaged_byte_gives_a_wrong_value(path):
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
        try:
            reader = SegmentReader(path)
        except ValueError:
            continue  # the head is damaged, and it is noticed
        found, sound = reader.read(0, 4)
        assert sound.sum() == 3
        steps = found["step"][sound].tolist()
        np.testing.assert_array_equal(found["norms_before"][sound], rows(steps)["norms_before"])


def test_an_existing_file_is_not_written_to(path):
    with pytest.raises(FileExistsError):
        SegmentWriter(path, LAYOUT)
    assert len(SegmentReader(path)) == 4


@pytest.mark.parametrize("name", ["a.records", "steps-1-rank.records", "steps-x-rank0.records"])
def test_other_names_are_not_ours(name):
    assert SegmentName.parse(name) is None

"""Tests of downloading from a server on this machine."""

import pytest

from gradclip.errors import DataError
from gradclip.experiments.download import download
from gradclip.experiments.idx import read_idx


def fetch(mirror, file, directory, *kinds):
    mirrors = [f"{mirror.address}/{kind}/" for kind in kinds]
    return download(file, directory, mirrors=mirrors, timeout_seconds=0.3)


def test_a_good_mirror_gives_the_file(mirror, file, tmp_path, array):
    path = fetch(mirror, file, tmp_path / "cache", "good")
    assert path == tmp_path / "cache" / "images.gz"
    assert (read_idx(path, file) == array).all()
    assert [p.name for p in path.parent.iterdir()] == ["images.gz"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("gone", "404"),
        ("stalling", "timed out"),
        ("truncated", "IncompleteRead"),
        ("wrong", "is another file"),
        ("page", "is not an IDX file"),
    ],
)
def test_a_bad_mirror_is_reported_and_leaves_nothing(mirror, file, tmp_path, kind, reason):
    with pytest.raises(
        DataError, match=rf"images\.gz could not be downloaded.*{reason}.*Try again"
    ):
        fetch(mirror, file, tmp_path, kind)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["gone", "stalling", "truncated", "wrong", "page"])
def test_the_second_mirror_is_tried_when_the_first_is_bad(mirror, file, tmp_path, kind):
    assert fetch(mirror, file, tmp_path, kind, "good").is_file()
    assert mirror.asked == [kind, "good"]


def test_a_mirror_that_is_not_there_is_reported(file, tmp_path):
    with pytest.raises(DataError, match="Connection refused"):
        download(file, tmp_path, mirrors=["http://127.0.0.1:9/"], timeout_seconds=1.0)


def test_a_cache_that_cannot_be_written_is_reported(file, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DataError, match="cache cannot be written"):
        download(file, tmp_path / "cache", mirrors=[])

"""Tests of where a run goes."""

import pytest

from gradclip.errors import RunError
from gradclip.instrumenting.directory import free_directory, refuse_used


def test_the_free_directory_comes_after_the_last_one(tmp_path):
    for name in ("demo-2", "demo-10", "demo-old", "other-11"):
        (tmp_path / name).mkdir()
    assert free_directory(tmp_path, "demo") == tmp_path / "demo-11"


def test_a_name_is_taken_as_it_is(tmp_path):
    (tmp_path / "a+[b]-3").mkdir()
    assert free_directory(tmp_path, "a+[b]") == tmp_path / "a+[b]-4"


def test_an_empty_or_missing_directory_is_free(tmp_path):
    refuse_used(tmp_path)
    refuse_used(tmp_path / "missing")


def test_a_file_or_a_full_directory_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(RunError, match="in use"):
            refuse_used(path)

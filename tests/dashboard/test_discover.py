"""Tests of the search for runs."""

from tests.dashboard.conftest import Training, train

from gradclip.dashboard.discover import Limits, changed_at, find_runs, signature


def test_runs_are_found_at_any_depth_and_the_nearest_first(runs):
    found = find_runs(runs)
    assert found.paths == ("first", "second", "deep/er/third")
    assert found.complete


def test_links_and_what_is_hidden_are_left_out(tmp_path):
    train(tmp_path / "runs" / ".hidden" / "mine")
    train(tmp_path / "outside")
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "outside")
    assert find_runs(tmp_path / "runs").paths == ()


def test_a_run_is_not_searched_for_more(tmp_path):
    train(tmp_path / "mine")
    train(tmp_path / "mine" / "within")
    assert find_runs(tmp_path).paths == ("mine",)
    assert find_runs(tmp_path / "mine").paths == ("",)


def test_the_search_ends_and_says_so(runs):
    assert find_runs(runs, Limits(runs=1)).paths == ("first",)
    for limits in (Limits(runs=1), Limits(folders=2), Limits(depth=1)):
        assert not find_runs(runs, limits).complete


def test_a_run_that_grows_or_ends_changes(tmp_path):
    training = Training(tmp_path / "mine").step()
    states = [signature(tmp_path / "mine")]
    training.step()
    states.append(signature(tmp_path / "mine"))
    training.end()
    states.append(signature(tmp_path / "mine"))
    assert len(set(states)) == 3
    assert signature(tmp_path / "mine") == states[-1]
    assert changed_at(tmp_path / "mine") > 1e9


def test_a_folder_that_is_gone_is_nothing(tmp_path):
    assert signature(tmp_path / "none") == ()
    assert changed_at(tmp_path / "none") == 0

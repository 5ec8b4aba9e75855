"""States of policies, saved and resumed: to the bit, or refused."""

import json

import numpy as np
import pytest

import gradclip
from gradclip.core.policies.saving import grown, plain, restored
from gradclip.errors import ConfigurationError

POLICIES = [
    gradclip.GlobalNorm(1.0),
    gradclip.ZClip(warmup=2),
    gradclip.AutoClip(window=4),
    gradclip.AdaGC(warmup=2),
    gradclip.SPAM(threshold=2.0, decay=0.5, warmup=1),
    gradclip.Clip(limit=gradclip.Percentile(window=3), granularity="tensor"),
    gradclip.Chain(gradclip.ZClip(warmup=2), gradclip.AdaGC(warmup=1)),
    gradclip.PerGroup({"w": gradclip.AutoClip(window=3), "nothing": gradclip.ZClip(), "*": None}),
]


def steps(count, seed=0):
    generator = np.random.default_rng(seed)
    scales = np.exp(generator.normal(size=count) * 2)
    return [[generator.normal(size=(2, 3)).astype(np.float32) * s, np.float32([s])] for s in scales]


def clip(clipper, gradients):
    return clipper(gradients, names=["w", "b"])


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
def test_a_run_goes_on_to_the_bit(policy):
    first, all_steps = gradclip.numpy.Clipper(policy), steps(20)
    for gradients in all_steps[:10]:
        clip(first, gradients)
    resumed = gradclip.numpy.Clipper(policy)
    resumed.load_state_dict(first.state_dict())
    assert repr(resumed.state_dict()) == repr(first.state_dict())
    for gradients in all_steps[10:]:
        for ours, theirs in zip(clip(first, gradients), clip(resumed, gradients), strict=True):
            assert np.array_equal(ours, theirs)


def test_a_loaded_state_takes_the_place_of_one_that_is_there():
    clipper, gradients = gradclip.numpy.Clipper("zclip"), [np.ones(2)]
    clipper(gradients)
    before = clipper.state_dict()
    clipper(gradients)
    clipper.load_state_dict(before)
    clipper(gradients)
    assert clipper.state_dict()["policy"][0] == 2.0


def test_what_is_saved_of_norms_on_the_host_is_json():
    clipper = gradclip.numpy.Clipper(gradclip.AutoClip(window=2))
    clipper([np.float32([3.0])])
    saved = clipper.state_dict()
    assert json.loads(json.dumps(saved)) == saved


@pytest.mark.parametrize("other", ["autoclip", "global-norm=1", "adagc"])
def test_the_state_of_another_policy_is_refused(other):
    saved = gradclip.numpy.Clipper("zclip")
    saved([np.ones(2)])
    clipper = gradclip.numpy.Clipper(other)
    clipper.load_state_dict(saved.state_dict())
    with pytest.raises(ConfigurationError, match="A saved state must be of the same policy"):
        clipper([np.ones(2)])


def test_the_window_of_a_norm_that_was_on_a_device_comes_to_the_host():
    assert restored((0.0, [0.0, 0.0]), [1.0, np.float32([2.0, 3.0])]) == (1.0, [2.0, 3.0])


def test_a_policy_that_learns_must_get_the_same_parameters():
    clipper = gradclip.numpy.Clipper("adagc")
    clipper([np.ones(2)], names=["w"])
    with pytest.raises(ConfigurationError, match=r"got 2 \('w', 'b'\) after 1 \('w'\)"):
        clipper([np.ones(2), np.ones(1)], names=["w", "b"])
    other = gradclip.numpy.Clipper("norm=1")
    other([np.ones(2)], names=["w"])
    assert len(other([np.ones(2), np.ones(1)], names=["w", "b"])) == 2


def test_a_state_grows_at_its_end():
    def extend(new, old):
        return np.concatenate([old, new[..., old.shape[-1] :]], -1)

    old = (np.ones(2), (np.ones((3, 2)),), (np.ones(4),))
    fresh = (np.zeros(3), (np.zeros((3, 3)),), (np.zeros(4), np.zeros(1)))
    vector, (window,), (kept, new) = grown(fresh, old, extend)
    assert vector.tolist() == [1, 1, 0]
    assert window.tolist() == [[1, 1, 0]] * 3
    assert (kept.tolist(), new.tolist()) == ([1] * 4, [0])


def test_a_state_of_another_structure_does_not_grow():
    with pytest.raises(ConfigurationError, match="must be of the same policy"):
        grown(((0.0,),), (0.0,), lambda _, old: old)


def test_plain_states_are_lists():
    assert plain((1.0, (2.0, ()))) == [1.0, [2.0, []]]

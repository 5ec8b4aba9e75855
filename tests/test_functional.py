"""The functions at the top: the framework is found by the tensors' type."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

import gradclip
from gradclip.errors import GradientTypeError
from tests.conformance.frameworks import parameters


@pytest.mark.parametrize("mode", parameters(compiled=False))
def test_each_framework_gets_its_own_functions(mode):
    t = mode.tensor(np.array([3.0, 4.0], np.float32))
    clipped, norm = gradclip.clip_by_global_norm([None, t], 1.0)
    assert clipped[0] is None
    assert type(clipped[1]) is type(t)
    assert np.allclose(mode.array(clipped[1]), [0.6, 0.8])
    assert float(norm) == 5.0
    assert np.allclose(mode.array(gradclip.clip_by_norm(t=t, clip_norm=1.0)), [0.6, 0.8])


def test_numbers_and_empty_lists_belong_to_numpy():
    assert float(gradclip.global_norm([3.0, 4.0])) == 5.0
    assert float(gradclip.global_norm([])) == 0.0
    assert gradclip.clip_by_norm(None, 1.0) is None


def test_an_iterator_is_read_once():
    norm = gradclip.global_norm(np.float32([x]) for x in (3.0, 4.0))
    assert float(norm) == 5.0


def test_a_used_up_generator_warns():
    with pytest.warns(UserWarning, match="empty generator"):
        gradclip.global_norm(x for x in ())


@pytest.mark.torch
@pytest.mark.jax
def test_two_frameworks_in_one_list_are_refused():
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    with pytest.raises(GradientTypeError, match="one framework, got jax and torch"):
        gradclip.global_norm([torch.ones(2), jnp.ones(2)])


def test_what_is_no_tensor_is_refused():
    with pytest.raises(GradientTypeError, match="got object"):
        gradclip.global_norm([object()])


@pytest.mark.jax
def test_pytrees_of_any_class_are_looked_into():
    jnp = pytest.importorskip("jax.numpy")
    tree = {"a": (jnp.array([3.0]), None), "b": [jnp.array([4.0])]}
    clipped, norm = gradclip.clip_by_global_norm(tree, 1.0)
    assert float(norm) == 5.0
    assert set(clipped) == {"a", "b"}
    assert clipped["a"][1] is None


def test_a_frameworks_functions_are_found_without_loading_another():
    code = (
        "import sys, numpy, gradclip; gradclip.global_norm([numpy.ones(2)]);"
        "print(*{'torch', 'jax', 'tensorflow', 'keras'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []


def test_the_signature_is_tensorflows():
    names = list(inspect.signature(gradclip.clip_by_global_norm).parameters)
    assert names == ["t_list", "clip_norm", "use_norm", "name", "nonfinite"]
    names = list(inspect.signature(gradclip.clip_by_norm).parameters)
    assert names == ["t", "clip_norm", "axes", "name", "nonfinite"]

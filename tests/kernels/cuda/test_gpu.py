"""On a GPU: nothing waits, and all of it can be captured in a graph."""

import pytest
import torch
from tests.gpu import no_waiting
from tests.kernels.cuda.oracle import exact_norm

import gradclip
from gradclip.errors import ConfigurationError
from gradclip.kernels import cuda

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available() or cuda.interpreted(), reason="needs a GPU and a compiler"
    ),
]


def parameters(*shapes):
    made = [torch.nn.Parameter(torch.zeros(shape, device="cuda")) for shape in shapes]
    for p in made:
        p.grad = torch.randn_like(p)
    return made


def norm_of(owners):
    return exact_norm(torch.cat([p.grad.reshape(-1) for p in owners]))


def test_a_clip_waits_for_nothing():
    owners = parameters((300, 200), (5,))
    with no_waiting():
        for limit in (1.0, 2.0, torch.full((), 0.5, device="cuda")):
            gradclip.torch.clip_grad_norm_(owners, limit)
            for p in owners:
                p.grad = torch.randn_like(p)


def test_statistics_wait_for_nothing():
    with no_waiting():
        gradclip.torch.gradient_statistics([torch.ones(70_000, device="cuda"), None])


def test_a_captured_clip_clips_at_each_replay():
    owners = parameters((300, 200), (5,))
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        gradclip.torch.clip_grad_norm_(owners, 1.0)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        norm = gradclip.torch.clip_grad_norm_(owners, 1.0)
    for scale in (3.0, 0.001, 50.0):
        for p in owners:
            p.grad.normal_().mul_(scale)
        before = norm_of(owners)
        gradclip.torch.clip_grad_norm_(parameters((300, 200), (5,)), 1.0)  # others, in between
        graph.replay()
        assert float(norm) == pytest.approx(before, rel=1e-6)
        assert norm_of(owners) == pytest.approx(min(before, 1.0), rel=1e-6)


@pytest.mark.filterwarnings("ignore:The CUDA Graph is empty")
def test_a_capture_of_what_never_ran_says_so():
    owners = parameters((17, 19))
    graph = torch.cuda.graph(torch.cuda.CUDAGraph())
    with pytest.raises(ConfigurationError, match="must have run before"), graph:
        gradclip.torch.clip_grad_norm_(owners, 1.0)


def test_streams_do_not_share_addresses():
    lists = [parameters((1000, 1000)) for _ in range(4)]
    streams = [torch.cuda.Stream() for _ in lists]
    torch.cuda.synchronize()
    for _ in range(5):
        norms = []
        for stream, owners in zip(streams, lists, strict=True):
            with torch.cuda.stream(stream):
                norms.append(gradclip.torch.clip_grad_norm_(owners, float("inf")))
        torch.cuda.synchronize()
        for norm, owners in zip(norms, lists, strict=True):
            assert float(norm) == pytest.approx(norm_of(owners), rel=1e-6)


def test_more_than_two_billion_zeros_are_counted():
    length = 2**31 + 5
    if torch.cuda.mem_get_info()[0] < 3 * length:
        pytest.skip("needs 6 GB")
    found = gradclip.torch.gradient_statistics(
        [torch.zeros(length, dtype=torch.float16, device="cuda")]
    )
    assert found.zeros.tolist() == [length]

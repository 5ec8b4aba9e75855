"""Policies, reports and recorders on a GPU: nothing waits, and CUDA graphs may hold them."""

import threading
import time

import numpy as np
import pytest
import torch
from tests.gpu import no_waiting

import gradclip
from gradclip.errors import ConfigurationError
from gradclip.torch import streams

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]
POLICIES = ["global-norm=0.1", "norm=0.1", "agc=0.01", "zclip", "autoclip", "adagc", "value=0.01"]


class Training:
    """A network on a GPU, with an optimizer that can be captured."""

    def __init__(self, policy, **options):
        torch.manual_seed(0)
        layers = torch.nn.Linear(32, 32), torch.nn.Tanh(), torch.nn.Linear(32, 4)
        self.model = torch.nn.Sequential(*layers).cuda()
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=1e-2, capturable=True, fused=True
        )
        self.attached = gradclip.torch.attach(self.optimizer, policy, self.model, **options)
        self.x, self.y = torch.randn(64, 32, device="cuda"), torch.randn(64, 4, device="cuda")

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.mse_loss(self.model(self.x), self.y).backward()
        self.optimizer.step()

    def capture(self):
        """Return a graph of a step, after three outside."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step()
        return graph

    def weights(self):
        return torch.cat([p.detach().flatten() for p in self.model.parameters()]).cpu().numpy()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("statistics", [False, True])
def test_an_attached_policy_waits_for_nothing(policy, statistics):
    training = Training(policy, statistics=statistics)
    for _ in range(2):
        training.step()
    history = gradclip.torch.History(10)
    with no_waiting():
        for _ in range(3):
            training.step()
            history.add(training.attached.report)
    assert len(history.read().steps) == 3


@pytest.mark.parametrize("policy", POLICIES)
def test_a_captured_step_goes_on_at_each_replay(policy):
    eager, captured = Training(policy), Training(policy)
    graph = captured.capture()
    for _ in range(3):
        eager.step()
    for _ in range(10):
        graph.replay()
        eager.step()
        np.testing.assert_allclose(captured.weights(), eager.weights(), rtol=2e-5, atol=1e-6)
    reports = [one.attached.report for one in (captured, eager)]
    norms = [float(report.norm_before) for report in reports]
    assert norms[0] == pytest.approx(norms[1], rel=1e-4)


def test_a_report_of_a_captured_step_keeps_its_numbers():
    training = Training("global-norm=0.1")
    graph = training.capture()
    graph.replay()
    report = training.attached.report
    before = float(report.norm_before)
    training.y.mul_(100)
    graph.replay()
    assert float(report.norm_before) == before
    assert float(training.attached.report.norm_before) > 2 * before


def test_skipped_steps_are_counted_at_each_replay():
    training = Training("global-norm=0.1")
    graph = training.capture()
    weights = training.weights()
    training.y.fill_(float("nan"))
    for _ in range(3):
        graph.replay()
    assert training.attached.skipped_steps == training.attached.skipped_in_a_row == 3
    np.testing.assert_array_equal(training.weights(), weights)
    training.y.zero_()
    graph.replay()
    assert training.attached.skipped_steps == 3
    assert training.attached.skipped_in_a_row == 0


@pytest.mark.filterwarnings("ignore:The CUDA Graph is empty")
def test_a_first_step_cannot_be_captured():
    training = Training("zclip")
    graph = torch.cuda.graph(torch.cuda.CUDAGraph())
    for p in training.model.parameters():
        p.grad = torch.ones_like(p)
    with pytest.raises(ConfigurationError, match="must have run before"), graph:
        training.optimizer.step()


def test_steps_on_any_stream_are_recorded(tmp_path):
    weight = torch.nn.Parameter(torch.zeros(1000, device="cuda"))
    clipper = gradclip.torch.Clipper("global-norm=1")
    wanted = []
    with (
        gradclip.Recorder(tmp_path / "run", [("weight", weight)]) as recorder,
        torch.cuda.stream(torch.cuda.Stream()),
    ):
        for step in range(1, 20):
            torch.cuda._sleep(1 << 24)  # whoever does not wait for this stream reads too early
            weight.grad = torch.full_like(weight, float(step))
            recorder.record(clipper.clip_([("weight", weight)]))
            wanted.append(step * 1000**0.5)
    found = gradclip.read_run(tmp_path / "run").global_norm_before
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_a_thread_may_read_while_another_captures():
    mark, tensor = streams.marked(), torch.ones(10, device="cuda")
    begun, failed = threading.Event(), []

    def read():
        begun.wait()
        try:
            for _ in range(20):
                with mark:
                    tensor.cpu()
        except RuntimeError as error:
            failed.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = tensor + 1
        begun.set()
        time.sleep(0.1)
        result = result + 1
    thread.join()
    graph.replay()
    assert result.tolist() == [3.0] * 10
    assert not failed


def test_a_step_that_is_captured_is_not_recorded(tmp_path):
    weight = torch.nn.Parameter(torch.zeros(10, device="cuda"))
    with gradclip.Recorder(tmp_path / "run", [("weight", weight)]) as recorder:
        clipper = gradclip.torch.Clipper("global-norm=1")
        weight.grad = torch.ones_like(weight)
        recorder.record(clipper.clip_([("weight", weight)]))
        with torch.cuda.graph(torch.cuda.CUDAGraph()):
            report = clipper.clip_([("weight", weight)])
            with pytest.raises(ConfigurationError, match="recorded when it is taken"):
                recorder.record(report)
    assert len(gradclip.read_run(tmp_path / "run").steps) == 1


@pytest.mark.filterwarnings("ignore:The CUDA Graph is empty")
def test_a_capture_that_failed_leaves_the_policy_as_it_was():
    weight = torch.nn.Parameter(torch.zeros(10, device="cuda"))
    weight.grad = torch.ones_like(weight)
    clipper = gradclip.torch.Clipper("zclip")
    graph = torch.cuda.graph(torch.cuda.CUDAGraph())
    with pytest.raises(ConfigurationError, match="must have run before"), graph:
        clipper.clip_([weight])
    assert clipper.clip_([weight]).skipped.item() is False

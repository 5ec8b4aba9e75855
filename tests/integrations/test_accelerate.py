"""Gradients are clipped where accelerate's own clipping would, with the real accelerator."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from tests.integrations.half import scale_losses

import gradclip
from gradclip.integrations.accelerate import Clipper

pytestmark = [
    pytest.mark.torch,
    pytest.mark.trainers,
    pytest.mark.usefixtures("accelerate_afresh"),
]
INF, NAN = float("inf"), float("nan")


class Slope(torch.nn.Module):
    """A loss whose gradient is the batch, so that a reader sees what is clipped."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(2))

    def forward(self, x):
        return (self.weight * x).sum()


def make(accelerator, optimizer=torch.optim.SGD, **options):
    model = Slope()
    return accelerator.prepare(model, optimizer(model.parameters(), lr=1.0, **options))


def train(accelerator, model, optimizer, batches, clip):
    """Train as accelerate's documentation has it, with this clipping."""
    for batch in batches:
        with accelerator.accumulate(model):
            accelerator.backward(model(torch.tensor(batch)))
            clip(model.named_parameters())
            optimizer.step()
            optimizer.zero_grad()
    return model.weight.tolist()


def test_gradients_are_clipped_before_the_step():
    accelerator = Accelerator(cpu=True)
    clipper = Clipper(accelerator, "global-norm=1")
    weight = train(accelerator, *make(accelerator), [[3.0, 4.0]], clipper.clip_)
    assert weight == pytest.approx([-0.6, -0.8])
    assert clipper.report.names == ("weight",)


def test_accumulated_gradients_are_clipped_once():
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    clipper = Clipper(accelerator, "global-norm=1")
    model, optimizer = make(accelerator)
    assert train(accelerator, model, optimizer, [[6.0, 0.0]], clipper.clip_) == [0.0, 0.0]
    assert clipper.report is None
    weight = train(accelerator, model, optimizer, [[0.0, 8.0]], clipper.clip_)
    assert clipper.report.norm_before == 5.0  # of the mean, [3, 4]
    assert weight == pytest.approx([-0.6, -0.8])


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("accumulated", [1, 2])
def test_training_is_the_same_as_with_accelerates_clipping(scaled, accumulated):
    torch.manual_seed(0)
    batches = (3 * torch.randn(20, 2)).tolist()
    weights = []
    for own in (False, True):
        accelerator = Accelerator(cpu=True, gradient_accumulation_steps=accumulated)
        if scaled:
            scale_losses(accelerator)
        model, optimizer = make(accelerator, torch.optim.Adam)
        clipper = Clipper(accelerator, "global-norm=1")

        def clip(named, accelerator=accelerator):
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_([p for _, p in named], 1.0)

        weights.append(
            train(accelerator, model, optimizer, batches, clipper.clip_ if own else clip)
        )
    # PyTorch's 1e-6 in the denominator makes the difference
    assert weights[0] == pytest.approx(weights[1], rel=1e-4)


def test_a_step_that_the_scaler_drops_is_dropped():
    accelerator = Accelerator(cpu=True)
    scaler = scale_losses(accelerator)
    model, optimizer = make(accelerator)
    clipper = Clipper(accelerator, "global-norm=1")
    weight = train(accelerator, model, optimizer, [[3.0, 4.0], [INF, 4.0]], clipper.clip_)
    assert weight == pytest.approx([-0.6, -0.8])
    assert accelerator.optimizer_step_was_skipped
    assert scaler.get_scale() == 512.0


def test_the_gradients_of_one_of_two_optimizers_are_unscaled():
    accelerator = Accelerator(cpu=True)
    scale_losses(accelerator)
    clippers = [Clipper(accelerator, "global-norm=1") for _ in range(2)]
    pairs = [make(accelerator) for _ in clippers]
    accelerator.backward(sum(model(torch.tensor([3.0, 4.0])) for model, _ in pairs))
    for clipper, (model, optimizer) in zip(clippers, pairs, strict=True):
        clipper.clip_(model.named_parameters(), optimizer)
        assert clipper.report.norm_before == 5.0


def test_a_step_with_nan_changes_nothing():
    accelerator = Accelerator(cpu=True)
    model, optimizer = make(accelerator, torch.optim.AdamW, weight_decay=0.1)
    clipper = Clipper(accelerator, "none")
    first = train(accelerator, model, optimizer, [[3.0, 4.0]], clipper.clip_)
    assert train(accelerator, model, optimizer, [[NAN, 4.0]], clipper.clip_) == first
    assert optimizer.optimizer.state[model.weight]["step"] == 1
    assert clipper.skipped_steps == 1


def test_a_run_that_no_longer_learns_is_stopped():
    accelerator = Accelerator(cpu=True)
    clipper = Clipper(accelerator, "global-norm=1", max_skipped=2)
    with pytest.raises(gradclip.NonFiniteGradientError):
        train(accelerator, *make(accelerator), [[NAN, 4.0]] * 3, clipper.clip_)


def test_a_resumed_run_goes_on_as_if_nothing_had_happened(tmp_path):
    batches = [[3.0, 4.0], [3.0, 4.5], [2.0, 4.0], [300.0, 4.0]] * 2
    policy = gradclip.ZClip(warmup=3)
    first = Accelerator(cpu=True)
    model, optimizer = make(first)
    clipper = Clipper(first, policy)
    train(first, model, optimizer, batches[:5], clipper.clip_)
    first.save_state(str(tmp_path))
    whole = train(first, model, optimizer, batches[5:], clipper.clip_)
    second = Accelerator(cpu=True)
    model, optimizer = make(second)
    clipper = Clipper(second, policy)
    second.load_state(str(tmp_path))
    assert train(second, model, optimizer, batches[5:], clipper.clip_) == whole


def test_processes_that_share_gradients_decide_alike():
    program = Path(__file__).with_name("two_processes.py")
    done = subprocess.run([sys.executable, program], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["DistributedDataParallel 5.0 -0.6000 -0.8000"] * 2


def test_a_policy_can_be_attached_to_a_prepared_optimizer():
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    scale_losses(accelerator)
    model, optimizer = make(accelerator)
    attached = gradclip.torch.attach(optimizer, "global-norm=1", model)
    accelerator.register_for_checkpointing(attached)
    weight = train(accelerator, model, optimizer, [[6.0, 0.0], [0.0, 8.0]], lambda _: None)
    assert weight == pytest.approx([-0.6, -0.8])

"""Gradients are clipped where the Trainer's own clipping would, on the real Trainer."""

import json
import math

import pytest
import torch
from tests.integrations.half import scale_losses
from transformers import Trainer, TrainerCallback, TrainingArguments

import gradclip
from gradclip.integrations.transformers import GradientClipping

pytestmark = [
    pytest.mark.torch,
    pytest.mark.trainers,
    pytest.mark.usefixtures("accelerate_afresh", "datasets_is_a_folder"),
]
NAN = float("nan")
VARIED = [[3.0, 4.0], [5.0, 0.0], [6.0, 8.0], [0.0, 5.0], [8.0, 6.0]]


class Slope(torch.nn.Module):
    """A loss whose gradient is the batch, so that a reader sees what is clipped."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(2))

    def forward(self, x):
        return {"loss": (self.weight * x).sum()}


def make_trainer(folder, batches, *callbacks, optimizer=torch.optim.SGD, **options):
    """Return a trainer for these batches, one a step, in this order."""
    quiet = {"report_to": [], "disable_tqdm": True, "save_strategy": "no"}
    order = {"per_device_train_batch_size": 1, "train_sampling_strategy": "sequential"}
    steps = {"logging_steps": 1, "num_train_epochs": 1, "max_grad_norm": 0, "use_cpu": True}
    module = Slope()
    steady = optimizer(module.parameters(), lr=1.0)
    return Trainer(
        module,
        TrainingArguments(str(folder), **{**quiet, **order, **steps, **options}),
        train_dataset=[{"x": torch.tensor(batch)} for batch in batches],
        optimizers=(steady, torch.optim.lr_scheduler.ConstantLR(steady, factor=1.0)),
        callbacks=list(callbacks),
    )


def train(folder, batches, *callbacks, **options):
    trainer = make_trainer(folder, batches, *callbacks, **options)
    trainer.train()
    return trainer


def test_gradients_are_clipped_before_the_step(tmp_path):
    clipping = GradientClipping("global-norm=1")
    trainer = train(tmp_path, [[3.0, 4.0]], clipping)
    assert trainer.model.weight.tolist() == pytest.approx([-0.6, -0.8])
    assert clipping.report.names == ("weight",)


def test_accumulated_gradients_are_clipped_once(tmp_path):
    clipping = GradientClipping("global-norm=1")
    batches = [[6.0, 0.0], [0.0, 8.0]]
    trainer = train(tmp_path, batches, clipping, gradient_accumulation_steps=2)
    assert clipping.report.norm_before == 5.0  # of the mean, [3, 4]
    assert trainer.model.weight.tolist() == pytest.approx([-0.6, -0.8])


@pytest.mark.parametrize("infinite", [False, True])
def test_norms_are_unscaled_and_the_scaler_drops_steps(tmp_path, infinite):
    clipping = GradientClipping("global-norm=1")
    batches = [[3.0, 4.0], [float("inf") if infinite else 4.0, 3.0]]
    trainer = make_trainer(tmp_path, batches, clipping)
    scaler = scale_losses(trainer.accelerator)
    trainer.train()
    last = [-0.6, -0.8] if infinite else [-1.4, -1.4]
    assert trainer.model.weight.tolist() == pytest.approx(last)
    assert clipping.report.norm_before == 5.0
    assert scaler.get_scale() == (512.0 if infinite else 1024.0)
    assert ("clip_scale" in trainer.state.log_history[1]) is not infinite


def test_a_step_with_nan_changes_nothing(tmp_path):
    clipping = GradientClipping("none")
    trainer = train(tmp_path, [[3.0, 4.0], [NAN, 4.0]], clipping, optimizer=torch.optim.Adam)
    assert trainer.optimizer.state[trainer.model.weight]["step"] == 1
    assert trainer.model.weight.tolist() == pytest.approx([-1.0, -1.0])
    assert clipping.report.skipped


def test_a_run_that_no_longer_learns_is_stopped(tmp_path):
    with pytest.raises(gradclip.NonFiniteGradientError):
        train(tmp_path, [[NAN, 4.0]] * 11, GradientClipping("global-norm=1"))


BATCHES = [[3.0, 4.0], [3.0, 4.5], [2.0, 4.0], [300.0, 4.0]] * 2


@pytest.mark.parametrize("policy", [gradclip.ZClip(warmup=3), gradclip.AutoClip(window=5)])
@pytest.mark.parametrize("callbacks_too", [False, True])
def test_a_resumed_run_goes_on_as_if_nothing_had_happened(tmp_path, policy, callbacks_too):
    options = {"save_strategy": "steps", "save_steps": 5}
    whole = train(tmp_path, BATCHES, GradientClipping(policy), **options)
    resumed = make_trainer(
        tmp_path,
        BATCHES,
        GradientClipping(policy),
        restore_callback_states_from_checkpoint=callbacks_too,
        **options,
    )
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-5"))
    assert resumed.model.weight.tolist() == whole.model.weight.tolist()


def test_a_users_function_is_not_restored_as_something_else(tmp_path):
    options = {"save_strategy": "steps", "save_steps": 1}
    train(tmp_path, [[3.0, 4.0]], GradientClipping(lambda gradients: gradients), **options)
    written = json.loads((tmp_path / "checkpoint-1" / "trainer_state.json").read_text())
    arguments = written["stateful_callbacks"]["GradientClipping"]["args"]
    with pytest.raises(gradclip.ConfigurationError, match="<function"):
        GradientClipping(**arguments)


def test_training_again_begins_anew(tmp_path):
    clipping = GradientClipping(gradclip.AutoClip())
    train(tmp_path, [[3.0, 4.0]], clipping)
    train(tmp_path, [[30.0, 40.0]], clipping)
    assert clipping.report.limit == math.inf  # and not the 5 of the first training


def test_the_norms_are_logged(tmp_path):
    seen = []

    class Listener(TrainerCallback):
        def on_log(self, *_, logs, **__):
            seen.append(dict(logs))

    trainer = train(tmp_path, [[3.0, 4.0]], GradientClipping("global-norm=1"), Listener())
    norms = {"grad_norm": 5.0, "grad_norm_clipped": 1.0, "clip_scale": 0.2}
    for logged in (seen[0], trainer.state.log_history[0]):
        assert {name: logged[name] for name in norms} == pytest.approx(norms)
    assert "clip_scale" not in trainer.state.log_history[-1]  # the summary


def test_callbacks_that_came_before_get_the_norms_if_it_is_moved_before_them(tmp_path):
    seen = []

    class Reporter(TrainerCallback):
        def on_log(self, *_, logs, **__):
            seen.append(dict(logs))

    clipping = GradientClipping("global-norm=1")
    trainer = make_trainer(tmp_path, [[3.0, 4.0]], Reporter(), clipping)
    trainer.callback_handler.callbacks.insert(0, trainer.pop_callback(clipping))
    trainer.train()
    assert seen[0]["grad_norm_clipped"] == 1.0


def test_a_step_that_the_trainers_own_measure_spoils_is_dropped(tmp_path):
    # It multiplies by inf / norm, even with max_grad_norm=0; a norm beyond float32 makes NaN of it.
    clipping = GradientClipping("global-norm=1")
    trainer = train(tmp_path, [[3e25, 4e25]], clipping)
    assert clipping.report.skipped
    assert trainer.model.weight.tolist() == [0.0, 0.0]


def test_clipping_by_the_trainer_too_is_said_once(tmp_path):
    said = r"clipped twice, by TrainingArguments\(max_grad_norm=2.0\) first. Set max_grad_norm=0"
    clipping = GradientClipping("global-norm=1")
    with pytest.warns(UserWarning, match=said) as warned:
        trainer = train(tmp_path, VARIED, clipping, max_grad_norm=2.0)
    assert len([w for w in warned if "clip" in str(w.message)]) == 1
    assert trainer.state.log_history[0]["grad_norm"] == pytest.approx(5.0)  # before both


def test_after_training_the_optimizer_is_as_it_was(tmp_path):
    trainer = train(tmp_path, [[3.0, 4.0]], GradientClipping("global-norm=1"))
    assert not trainer.optimizer.optimizer._optimizer_step_pre_hooks


def test_training_after_an_exception_is_possible(tmp_path):
    trainer = make_trainer(tmp_path, [[NAN, 4.0]] * 11, GradientClipping("global-norm=1"))
    for _ in range(2):
        with pytest.raises(gradclip.NonFiniteGradientError):
            trainer.train()

"""Tests of recording what an attached optimizer does."""

import numpy as np
import pytest
import torch

import gradclip


def make(rate=0.1, **options):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    return model, torch.optim.SGD(model.parameters(), lr=rate, **options)


def train(model, optimizer, recorder, steps):
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(torch.randn(8, 4, generator=generator)).square().mean()
        loss.backward()
        recorder.note(loss=loss)
        optimizer.step()


@pytest.fixture
def run(tmp_path):
    model, optimizer = make()
    with gradclip.Recorder(tmp_path / "run", model.named_parameters()) as recorder:
        policy = gradclip.GlobalNorm(0.1)
        gradclip.torch.attach(optimizer, policy, model, statistics=True, recorder=recorder)
        train(model, optimizer, recorder, 25)
    return gradclip.read_run(tmp_path / "run")


def test_every_step_is_recorded(run):
    assert run.steps.tolist() == list(range(25))
    assert [p.name for p in run.metadata.parameters] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert (run.metadata.framework, run.status) == ("torch", "finished")
    assert np.isfinite(run.loss).all()
    assert (run.learning_rate == 0.1).all()
    assert (run.global_norm_after <= 0.1 * (1 + 1e-6)).all()
    np.testing.assert_allclose(
        np.sqrt((run.norms_after**2).sum(1)), run.global_norm_after, rtol=1e-6
    )
    assert run.largest.shape == run.zeros.shape == (25, 4)


def test_the_update_really_applied_is_measured_now_and_then(run):
    assert run.updates.steps.tolist() == [0, 10, 20]
    applied = run.norms_after[[0, 10, 20]] * 0.1  # SGD: the learning rate times the gradient
    np.testing.assert_allclose(run.updates.update_norms, applied, rtol=1e-4)
    assert (run.updates.weight_norms > 0).all()


def test_a_skipped_step_is_recorded_with_no_update(tmp_path):
    model, optimizer = make()
    with gradclip.Recorder(tmp_path / "run", model.named_parameters()) as recorder:
        gradclip.torch.attach(optimizer, "global-norm=1", model, recorder=recorder)
        model(torch.full((1, 4), float("nan"))).sum().backward()
        optimizer.step()
    run = gradclip.read_run(tmp_path / "run")
    assert run.skipped.tolist() == [True]
    assert run.updates.update_norms.tolist() == [[0.0] * 4]


def test_training_is_the_same_with_a_recorder_and_without(tmp_path):
    models = []
    for record in (True, False):
        model, optimizer = make(momentum=0.9)
        with gradclip.Recorder(tmp_path / str(record), model.named_parameters()) as recorder:
            gradclip.torch.attach(
                optimizer, "global-norm=0.1", model, recorder=recorder if record else None
            )
            train(model, optimizer, recorder, 12)
        models.append(model)
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(one, other)


def test_an_optimizer_may_have_some_parameters_in_another_order(tmp_path):
    model, _ = make()
    first, _, second = model
    first.bias.requires_grad_(requires_grad=False)
    groups = [{"params": [second.weight, second.bias]}, {"params": [first.weight]}]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    with gradclip.Recorder(tmp_path / "run", model.named_parameters()) as recorder:
        attached = gradclip.torch.attach(optimizer, "global-norm=1", model, recorder=recorder)
        train(model, optimizer, recorder, 1)
    run = gradclip.read_run(tmp_path / "run")
    assert [p.name for p in run.metadata.parameters] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    norms = {name: before for name, (before, _) in attached.report.parts().items()}
    expected = [norms["0.weight"], 0.0, norms["2.weight"], norms["2.bias"]]
    assert run.norms_before[0].tolist() == expected
    assert (run.updates.weight_norms[0] > 0).tolist() == [True, False, True, True]

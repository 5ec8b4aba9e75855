"""Gradients are clipped where Lightning's own clipping would, on the real trainer."""

import subprocess
import sys

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.plugins import MixedPrecision
from lightning.pytorch.strategies import ModelParallelStrategy

import gradclip
from gradclip.integrations.lightning import ClippingModule, GradientClipping

pytestmark = [
    pytest.mark.torch,
    pytest.mark.trainers,
    # Lightning's own words about PyTorch 2.13 and about loaders without workers
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]
NAN = float("nan")
VARIED = [[3.0, 4.0], [5.0, 0.0], [6.0, 8.0], [0.0, 5.0], [8.0, 6.0]]


class Slope(pl.LightningModule):
    """A loss whose gradient is the batch, so that a reader sees what is clipped."""

    def __init__(self, optimizer=torch.optim.SGD):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(2))
        self._optimizer = optimizer

    def training_step(self, batch, _):
        return (self.weight * batch).sum()

    def configure_optimizers(self):
        return self._optimizer(self.parameters(), lr=1.0)


class ClippedSlope(ClippingModule, Slope):
    """The same with a clipping of its own."""

    clip = "global-norm=1"


class TwoSlopes(Slope):
    """Two optimizers that step by hand."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.bias = torch.nn.Parameter(torch.zeros(2))

    def training_step(self, batch, _):
        for optimizer, parameter in zip(self.optimizers(), self.parameters(), strict=True):
            optimizer.zero_grad()
            self.manual_backward((parameter * batch).sum())
            optimizer.step()

    def configure_optimizers(self):
        return [torch.optim.SGD([p], lr=1.0) for p in self.parameters()]


QUIET = {
    "accelerator": "cpu",
    "max_epochs": 1,
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def fit(module, batches, *callbacks, ckpt_path=None, of=pl, **options):
    """Train on these batches; return the trainer."""
    trainer = of.Trainer(callbacks=list(callbacks), **{**QUIET, **options})
    loader = torch.utils.data.DataLoader(torch.tensor(batches), batch_size=None)
    trainer.fit(module, loader, ckpt_path=ckpt_path)
    return trainer


def both(policy="global-norm=1", **options):
    """The two ways to clip: a module and its callbacks."""
    configured = ClippedSlope(**options)
    configured.clip = policy
    return {"callback": (Slope(**options), [GradientClipping(policy)]), "module": (configured, [])}


def report_of(module, callbacks):
    return callbacks[0].report if callbacks else module.clippers[0].report


WAYS = pytest.mark.parametrize("way", ["callback", "module"])


@WAYS
def test_gradients_are_clipped_before_the_step(way):
    module, callbacks = both()[way]
    fit(module, [[3.0, 4.0]], *callbacks)
    assert module.weight.tolist() == pytest.approx([-0.6, -0.8])
    assert report_of(module, callbacks).names == ("weight",)


@WAYS
def test_accumulated_gradients_are_clipped_once(way):
    module, callbacks = both()[way]
    fit(module, [[6.0, 0.0], [0.0, 8.0]], *callbacks, accumulate_grad_batches=2)
    assert report_of(module, callbacks).norm_before == 5.0  # of the mean, [3, 4]
    assert module.weight.tolist() == pytest.approx([-0.6, -0.8])


@WAYS
def test_norms_are_those_of_unscaled_gradients(way):
    module, callbacks = both()[way]
    precision = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=1024.0))
    fit(module, [[3.0, 4.0]], *callbacks, plugins=[precision])
    assert report_of(module, callbacks).norm_before == 5.0
    assert module.weight.tolist() == pytest.approx([-0.6, -0.8])


@WAYS
def test_a_step_that_the_scaler_drops_is_dropped(way):
    module, callbacks = both("zclip")[way]
    precision = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=1024.0))
    fit(module, [[3.0, 4.0], [float("inf"), 4.0], [3.0, 4.0]], *callbacks, plugins=[precision])
    assert module.weight.tolist() == [-6.0, -8.0]  # two steps
    assert precision.scaler.get_scale() == 512.0
    assert report_of(module, callbacks).norm_before == 5.0


@WAYS
def test_a_step_with_nan_changes_nothing(way):
    module, callbacks = both("none", optimizer=torch.optim.Adam)[way]
    trainer = fit(module, [[3.0, 4.0], [NAN, 4.0]], *callbacks)
    state = trainer.optimizers[0].state[module.weight]
    assert state["step"] == 1
    assert module.weight.tolist() == pytest.approx([-1.0, -1.0])
    assert report_of(module, callbacks).skipped


@WAYS
def test_a_run_that_no_longer_learns_is_stopped(way):
    module, callbacks = both()[way]
    with pytest.raises(gradclip.NonFiniteGradientError):
        fit(module, [[NAN, 4.0]] * 11, *callbacks)


@WAYS
def test_a_resumed_run_goes_on_as_if_nothing_had_happened(way, tmp_path):
    policy = gradclip.ZClip(warmup=3)
    batches = [[3.0, 4.0], [3.0, 4.5], [2.0, 4.0], [300.0, 4.0]]
    whole, callbacks = both(policy)[way]
    fit(whole, batches, *callbacks, max_epochs=3)
    first, callbacks = both(policy)[way]
    fit(first, batches, *callbacks).save_checkpoint(tmp_path / "first.ckpt")
    rest, callbacks = both(policy)[way]
    fit(rest, batches, *callbacks, ckpt_path=tmp_path / "first.ckpt", max_epochs=3)
    assert rest.weight.tolist() == whole.weight.tolist()


@WAYS
def test_the_norms_are_logged(way):
    module, callbacks = both()[way]
    logged = fit(module, [[3.0, 4.0]], *callbacks).callback_metrics
    assert {name: float(value) for name, value in logged.items()} == pytest.approx(
        {"grad_norm": 5.0, "grad_norm_clipped": 1.0, "clip_scale": 0.2}
    )


@WAYS
def test_a_bare_trainer_is_not_asked_to_log(way):
    module, callbacks = both()[way]
    left_out = dict.fromkeys(QUIET.keys() - {"accelerator", "max_epochs"})
    fit(module, [[3.0, 4.0]], *callbacks, barebones=True, **left_out)
    assert module.weight.tolist() == pytest.approx([-0.6, -0.8])


def test_optimizers_that_step_by_hand_are_clipped_each_by_itself():
    module, clipping = TwoSlopes(), GradientClipping("global-norm=1")
    logged = fit(module, [[3.0, 4.0]], clipping).callback_metrics
    assert [report.names for report in clipping.reports] == [("weight",), ("bias",)]
    assert [p.tolist() for p in module.parameters()] == [pytest.approx([-0.6, -0.8])] * 2
    assert {"grad_norm/0", "grad_norm/1"} <= set(logged)


def test_nothing_is_logged_where_nobody_asks_for_it():
    clipping = GradientClipping("global-norm=1", log=False)
    assert not fit(Slope(), [[3.0, 4.0]], clipping).callback_metrics
    assert clipping.report.norm_before == 5.0


def test_clipping_by_the_trainer_too_is_said_once():
    said = r"clipped twice, by Trainer\(gradient_clip_val=2.0\) first"
    with pytest.warns(UserWarning, match=said) as warned:
        fit(Slope(), VARIED, GradientClipping("global-norm=1"), gradient_clip_val=2.0)
    assert len([w for w in warned if "clip" in str(w.message)]) == 1


def test_clipping_by_the_module_too_is_said_once():
    said = "clipped twice, by ClippedSlope.configure_gradient_clipping first"
    with pytest.warns(UserWarning, match=said):
        fit(ClippedSlope(), [[3.0, 4.0]], GradientClipping("global-norm=1"))


def test_a_module_that_clips_says_that_the_trainers_threshold_is_not_used():
    module = ClippedSlope()
    with pytest.warns(UserWarning, match=r"gradient_clip_val=2.0\) is not used") as warned:
        fit(module, VARIED, gradient_clip_val=2.0)
    assert len([w for w in warned if "clip" in str(w.message)]) == 1
    assert module.clippers[0].report.limit == 1.0


@WAYS
def test_fitting_again_begins_anew(way):
    module, callbacks = both()[way]
    fit(module, [[3.0, 4.0]], *callbacks)
    fit(module, [[3.0, 4.0]], *callbacks)
    assert module.weight.tolist() == pytest.approx([-1.2, -1.6])


def test_after_training_the_optimizer_is_as_it_was():
    trainer = fit(Slope(), [[3.0, 4.0]], GradientClipping("global-norm=1"))
    assert not trainer.optimizers[0]._optimizer_step_pre_hooks


def test_after_an_exception_the_optimizer_is_as_it_was():
    optimizers = []

    class Broken(Slope):
        def training_step(self, *_):
            optimizers.append(self.optimizers().optimizer)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(Broken(), [[3.0, 4.0]], GradientClipping("global-norm=1"))
    assert not optimizers[0]._optimizer_step_pre_hooks


def test_sharded_gradients_are_refused():
    sharding = ModelParallelStrategy(data_parallel_size=1, tensor_parallel_size=1)
    trainer = pl.Trainer(**QUIET, devices=1, strategy=sharding)
    with pytest.raises(gradclip.ConfigurationError, match="ModelParallelStrategy"):
        GradientClipping("global-norm=1").on_fit_start(trainer, Slope())


def test_a_checkpoint_of_other_optimizers_is_refused():
    clipping = GradientClipping("zclip")
    clipping.load_state_dict({"optimizers": []})
    with pytest.raises(gradclip.ConfigurationError, match="got one of 0 for 1"):
        fit(Slope(), [[3.0, 4.0]], clipping)


def test_a_wrong_policy_is_refused_before_training():
    with pytest.raises(gradclip.ConfigurationError, match="global-norn"):
        GradientClipping("global-norn=1")


def test_the_callback_serves_lightning_under_its_other_name_too():
    import pytorch_lightning as other  # noqa: PLC0415 - seconds that only this test is worth

    class OtherSlope(other.LightningModule):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(2))
            self._optimizer = torch.optim.SGD

        training_step = Slope.training_step
        configure_optimizers = Slope.configure_optimizers

    module = OtherSlope()
    fit(module, [[3.0, 4.0]], GradientClipping("global-norm=1"), of=other)
    assert module.weight.tolist() == pytest.approx([-0.6, -0.8])


def test_the_other_name_is_enough():
    program = """
import sys
sys.modules["lightning"] = None  # as if it were not installed
import gradclip
print(gradclip.integrations.lightning.pl.__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout == "pytorch_lightning\n"

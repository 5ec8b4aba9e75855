"""What is done in the wrong order is noticed, and said once."""

import linecache
import warnings

import pytest

import gradclip
from gradclip.errors import ConfigurationError

torch = pytest.importorskip("torch")
from gradclip.torch import Clipper, attach  # noqa: E402 - after the check for torch

pytestmark = pytest.mark.torch


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))


def backward(model, factor=1.0):
    (model(factor * torch.ones(3, 4)).square().sum()).backward()


def said(function):
    """Return the beginnings of what a function warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return [str(w.message).partition(",")[0].partition(":")[0] for w in caught]


def lines(function):
    """Return the lines that warnings of a function point at, and their files."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return [(w.filename, linecache.getline(w.filename, w.lineno).strip()) for w in caught]


def test_a_warning_of_an_attached_policy_points_at_the_users_line():
    attach(optimizer := torch.optim.SGD(network().parameters(), lr=0.01), "global-norm=1")

    def step():
        optimizer.step()

    assert lines(step) == [(__file__, "optimizer.step()")]


def test_a_warning_of_a_clipper_points_at_the_users_line():
    clipper, model = Clipper("global-norm=1"), network()

    def clip():
        clipper.clip_(model.parameters())

    assert lines(clip) == [(__file__, "clipper.clip_(model.parameters())")]


def test_a_warning_of_a_compiled_step_points_at_the_users_line():
    attach(optimizer := torch.optim.SGD(network().parameters(), lr=0.01), "global-norm=1")
    compiled = torch.compile(optimizer.step, backend="eager")

    def step():
        compiled()

    assert (__file__, "compiled()") in lines(step)


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.LBFGS])
def test_a_warning_of_a_step_with_a_closure_points_at_the_users_line(kind):
    model = network()
    attach(optimizer := kind(model.parameters(), lr=0.01), "global-norm=1")

    def step():
        optimizer.step(lambda: torch.tensor(0.0))

    assert lines(step)[0] == (__file__, "optimizer.step(lambda: torch.tensor(0.0))")


def test_a_warning_of_a_scheduled_step_points_at_the_users_line():
    attach(optimizer := torch.optim.SGD(network().parameters(), lr=0.01), "global-norm=1")
    torch.optim.lr_scheduler.ConstantLR(optimizer)  # which wraps the step

    def step():
        optimizer.step()

    assert lines(step) == [(__file__, "optimizer.step()")]


@pytest.mark.parametrize("set_to_none", [True, False])
@pytest.mark.parametrize("accumulated", [1, 3])
def test_a_loop_in_the_right_order_hears_nothing(set_to_none, accumulated):
    model = network()
    optimizer, clipper = torch.optim.SGD(model.parameters(), lr=0.01), Clipper("global-norm=1")

    def loop():
        for step in range(6):
            optimizer.zero_grad(set_to_none=set_to_none)
            for part in range(accumulated):
                backward(model, step + part)
            clipper.clip_(model.named_parameters())
            optimizer.step()

    assert said(loop) == []


def test_a_clip_in_the_middle_of_an_accumulation_is_noticed_once():
    model = network()
    optimizer, clipper = torch.optim.SGD(model.parameters(), lr=0.01), Clipper("global-norm=1")

    def loop():
        for step in range(4):
            optimizer.zero_grad()
            for part in range(2):
                backward(model, step + part)
                clipper.clip_(model.parameters())
            optimizer.step()

    assert said(loop) == ["Gradients that were clipped before have been added to"]


def test_gradients_that_are_clipped_twice_are_noticed_once():
    model = network()
    clipper = Clipper("global-norm=1")

    def loop():
        backward(model)
        for _ in range(3):
            clipper.clip_(model.parameters())

    assert said(loop) == ["The same gradients are clipped twice before the optimizer's step. "
                          "Clip once."]  # fmt: skip


def test_a_skipped_step_may_be_left_out():
    model = network()
    optimizer, clipper = torch.optim.SGD(model.parameters(), lr=0.01), Clipper("global-norm=1")

    def loop():
        for factor in (1.0, torch.nan, 1.0):
            optimizer.zero_grad(set_to_none=False)
            backward(model, factor)
            if not clipper.clip_(model.parameters()).skipped:
                optimizer.step()

    assert said(loop) == []


def test_clipping_before_backward_is_noticed_once():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    attached = attach(optimizer, "zclip")

    def loop():
        optimizer.step()
        optimizer.step()
        Clipper("norm=1").clip_(model.parameters())

    assert said(loop) == ["No parameter has a gradient"] * 2
    assert attached.report is None


@pytest.mark.parametrize(
    "earlier",
    [
        lambda p: torch.nn.utils.clip_grad_norm_(p, 0.1),
        lambda p: gradclip.torch.clip_grad_norm_(p, 0.1),
        Clipper("global-norm=0.1").clip_,
    ],
    ids=["torch", "gradclip", "clipper"],
)
def test_what_something_else_clipped_before_is_noticed_once(earlier):
    model = network()
    attach(optimizer := torch.optim.SGD(model.parameters(), lr=0.01), "zclip", model)

    def loop():
        for step in range(8):
            optimizer.zero_grad()
            backward(model, 2.0 + step)
            earlier(list(model.parameters()))
            optimizer.step()

    assert said(loop) == ["Different gradients came with the norm 0.1 3 times in a row"]


def test_the_same_gradients_again_are_no_sign_of_clipping():
    p = torch.nn.Parameter(torch.ones(2))
    attach(optimizer := torch.optim.SGD([p], lr=0.01), "zclip")

    def loop():
        for _ in range(8):
            optimizer.zero_grad()
            p.sum().backward()
            optimizer.step()

    assert said(loop) == []


def in_backward(model, policy):
    """Give each parameter an optimizer that steps as soon as its gradient is there."""
    for name, p in model.named_parameters():
        optimizer = torch.optim.SGD([p], lr=1.0)
        attach(optimizer, policy, model)

        def step(q, optimizer=optimizer):
            optimizer.step()
            q.grad = None

        p.register_post_accumulate_grad_hook(step)
        assert name


def test_a_policy_for_each_tensor_works_within_backward():
    ours, theirs = network(), network()
    in_backward(ours, "norm=0.1")
    backward(ours)
    backward(theirs)
    Clipper("norm=0.1").clip_(theirs.parameters())
    torch.optim.SGD(theirs.parameters(), lr=1.0).step()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize("policy", ["global-norm=1", "zclip", "adagc"])
def test_a_policy_over_all_gradients_is_refused_within_backward(policy):
    model = network()
    in_backward(model, policy)
    with pytest.raises(ConfigurationError, match="an optimizer that steps within backward"):
        backward(model)

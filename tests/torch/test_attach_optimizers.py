"""A policy attached to all that calls itself an optimizer."""

import copy
import pickle
import warnings

import pytest

import gradclip

torch = pytest.importorskip("torch")
from gradclip.torch import Clipper, attach  # noqa: E402 - after the check for torch

pytestmark = pytest.mark.torch
OPTIMIZERS = [
    kind
    for name, kind in sorted(vars(torch.optim).items())
    if isinstance(kind, type)
    and issubclass(kind, torch.optim.Optimizer)
    and name not in {"Optimizer", "LBFGS", "SparseAdam"}
]


def step_by(optimizer, p, gradient):
    p.grad = gradient.clone()
    optimizer.step()


@pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda kind: kind.__name__)
def test_every_optimizer_takes_the_step_that_it_takes_on_clipped_gradients(kind):
    torch.manual_seed(0)
    ours, theirs = (torch.nn.Parameter(torch.ones(3, 3)) for _ in range(2))
    optimizer, plain = kind([ours], lr=0.1), kind([theirs], lr=0.1)
    attached, clipper = attach(optimizer, "global-norm=1"), Clipper("global-norm=1")
    for _ in range(3):
        gradient = torch.randn(3, 3)
        step_by(optimizer, ours, gradient)
        theirs.grad = gradient.clone()
        clipper.clip_([theirs])
        plain.step()
    assert torch.equal(ours, theirs)
    assert attached.report.norm_after == pytest.approx(1.0)


@pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda kind: kind.__name__)
def test_every_optimizer_passes_over_a_dropped_step(kind):
    p = torch.nn.Parameter(torch.ones(3, 3))
    attach(optimizer := kind([p], lr=0.1), "global-norm=1")
    step_by(optimizer, p, torch.ones(3, 3))
    before, state = p.detach().clone(), copy.deepcopy(optimizer.state_dict())
    step_by(optimizer, p, torch.full((3, 3), torch.nan))
    assert torch.equal(p, before)
    assert str(optimizer.state_dict()) == str(state)


def rosenbrock():
    p = torch.nn.Parameter(torch.tensor([-1.5, 2.0]))
    return p, lambda: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def closure_of(optimizer, loss, seen=None):
    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        if seen is not None:
            seen.append(value.item())
        return value

    return closure


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_gets_clipped_gradients_at_every_evaluation(search):
    (ours, our_loss), (theirs, their_loss) = rosenbrock(), rosenbrock()
    options = {"lr": 0.5, "max_iter": 5, "line_search_fn": search}
    optimizer, plain = (torch.optim.LBFGS([p], **options) for p in (ours, theirs))
    attached = attach(optimizer, "global-norm=10")
    clipper, evaluations = Clipper("global-norm=10"), []

    def by_hand():
        value = closure_of(plain, their_loss)()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the search evaluates again without a step
            clipper.clip_([theirs])
        return value

    for _ in range(4):
        optimizer.step(closure_of(optimizer, our_loss, evaluations))
        plain.step(by_hand)
    assert torch.equal(ours, theirs)
    assert len(evaluations) > 4
    assert attached.state_dict()["policy"][0] == 4.0  # steps, not evaluations


def test_lbfgs_stays_where_it_is_if_the_gradient_is_not_finite():
    p = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    optimizer = torch.optim.LBFGS([p])
    attached = attach(optimizer, "global-norm=10")
    optimizer.step(closure_of(optimizer, lambda: (p * torch.tensor([1.0, torch.inf])).sum()))
    assert p.tolist() == [1.0, 2.0]
    assert attached.skipped_steps == 1


def test_sparse_gradients_are_clipped_and_stay_sparse():
    words = torch.tensor([1, 3, 1])
    ours, theirs = (torch.nn.Embedding(5, 2, sparse=sparse) for sparse in (True, False))
    theirs.load_state_dict(ours.state_dict())
    optimizer = torch.optim.SparseAdam(ours.parameters(), lr=0.1)
    attached = attach(optimizer, "global-norm=1", ours)
    for network in (ours, theirs):
        (network(words) * 5).sum().backward()
    optimizer.step()
    clipped = Clipper("global-norm=1").clip_(theirs.parameters())
    assert attached.report.norm_before == pytest.approx(clipped.norm_before)  # rows are merged
    assert ours.weight.grad.is_sparse
    assert torch.allclose(ours.weight.grad.to_dense(), theirs.weight.grad)
    assert torch.equal(ours.weight[[0, 2, 4]], theirs.weight[[0, 2, 4]])


@pytest.mark.parametrize("first", ["attach", "scheduler"])
def test_schedulers_see_the_steps_whoever_comes_first(first):
    p = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    optimizer = torch.optim.SGD([p], lr=1.0)
    if first == "attach":
        attach(optimizer, "norm=1")
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    if first == "scheduler":
        attach(optimizer, "norm=1")
    for _ in range(2):
        step_by(optimizer, p, torch.tensor([3.0, 4.0]))
        scheduler.step()  # warns if it saw no step
    assert torch.allclose(p.data, torch.tensor([3.0, 4.0]) * (1 - 0.3))


def test_a_class_whose_step_calls_its_bases_clips_once():
    torch.optim.SGD([torch.nn.Parameter(torch.ones(1))])  # from here on SGD.step has hooks

    class Louder(torch.optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    p = torch.nn.Parameter(torch.ones(2))
    attached = attach(optimizer := Louder([p]), "zclip")
    step_by(optimizer, p, torch.ones(2))
    step_by(optimizer, p, torch.ones(2))
    assert attached.state_dict()["policy"][0] == 2.0


def test_a_step_that_raised_is_forgotten():
    class Fragile(torch.optim.SGD):
        def step(self, closure=None):
            if self.param_groups[0]["lr"] < 0.5:
                raise RuntimeError
            return super().step(closure)

    p = torch.nn.Parameter(torch.ones(2))
    attached = attach(optimizer := Fragile([p], lr=0.1), "zclip")
    with pytest.raises(RuntimeError):
        step_by(optimizer, p, torch.ones(2))
    optimizer.param_groups[0]["lr"] = 1.0
    step_by(optimizer, p, torch.ones(2))
    assert attached.state_dict()["policy"][0] == 2.0
    assert torch.equal(p.data, torch.zeros(2))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_of_the_optimizer_is_one_without_a_policy(copied):
    p = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    attach(optimizer := torch.optim.SGD([p], lr=1.0), "norm=1")
    other = copied(optimizer)
    q = other.param_groups[0]["params"][0]
    step_by(other, q, torch.tensor([3.0, 4.0]))
    assert torch.equal(q.data, torch.zeros(2))
    attach(other, "norm=1")
    step_by(optimizer, p, torch.tensor([3.0, 4.0]))
    assert torch.allclose(p.data, torch.tensor([2.4, 3.2]))


def test_parameters_may_be_added_on_the_way():
    p, q = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
    optimizer = torch.optim.SGD([p], lr=1.0)
    policy = gradclip.Clip(limit=gradclip.Percentile(window=3, warmup=1), granularity="tensor")
    attached = attach(optimizer, policy)
    step_by(optimizer, p, torch.tensor([1.0, 0.0]))
    optimizer.add_param_group({"params": [q]})
    p.grad, q.grad = torch.tensor([4.0, 0.0]), torch.tensor([0.0, 8.0])
    optimizer.step()
    assert (p.grad.tolist(), q.grad.tolist()) == ([1.0, 0.0], [0.0, 8.0])  # q has no past yet
    assert attached.report.names == ("group0.param0", "group1.param0")
    p.grad, q.grad = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 9.0])
    optimizer.step()
    assert q.grad.tolist() == [0.0, 8.0]


def test_frozen_and_unused_parameters_have_a_place():
    p, q, frozen = (torch.nn.Parameter(torch.ones(1)) for _ in range(3))
    frozen.requires_grad_(requires_grad=False)
    attached = attach(optimizer := torch.optim.SGD([p, q, frozen], lr=1.0), "norm=1")
    step_by(optimizer, p, torch.tensor([3.0]))
    assert attached.report.parts()["group0.param0"] == (3.0, 1.0)
    assert attached.report.parts()["group0.param2"] == (0.0, 0.0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")
@pytest.mark.parametrize("what", ["model", "step", "both"])
def test_compiled_models_and_compiled_steps_train_as_with_clipping_by_hand(what):
    def train(clip_by_hand):
        torch.compiler.reset()
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        clipper = Clipper("zclip") if clip_by_hand else attach(optimizer, "zclip", model)
        run, step = model, optimizer.step
        if what != "step":
            run = torch.compile(model, backend="aot_eager")
        if what != "model":
            step = torch.compile(optimizer.step, backend="aot_eager")
        for i in range(4):
            optimizer.zero_grad()
            run(torch.full((3, 4), float(i + 1))).square().sum().backward()
            if clip_by_hand:
                clipper.clip_(model.named_parameters())
            step()
        return [p.detach() for p in model.parameters()], clipper

    (ours, attached), (theirs, clipper) = train(clip_by_hand=False), train(clip_by_hand=True)
    assert all(torch.equal(p, q) for p, q in zip(ours, theirs, strict=True))
    assert attached.report.names == ("0.weight", "0.bias", "2.weight", "2.bias")
    assert attached.state_dict()["policy"] == clipper.state_dict()["policy"]

"""compute_gradients and apply_gradients around torch.optim."""

import copy
import math

import pytest

import gradclip
from gradclip.errors import ConfigurationError, NonFiniteGradientError

torch = pytest.importorskip("torch")
from gradclip.torch import Optimizer  # noqa: E402 - after the check for torch

pytestmark = pytest.mark.torch
OPTIMIZERS = [
    cls
    for name, cls in sorted(vars(torch.optim).items())
    if isinstance(cls, type) and issubclass(cls, torch.optim.Optimizer) and name != "Optimizer"
]


def weights():
    return torch.nn.Parameter(torch.tensor([[3.0, 4.0]])), torch.nn.Parameter(torch.tensor([1.0]))


def loss_of(*parameters):
    return lambda: sum((p**2).sum() for p in parameters) / 2


def sgd(parameters, **options):
    return Optimizer(torch.optim.SGD(parameters, lr=1.0), **options)


@pytest.mark.parametrize("cls", OPTIMIZERS, ids=lambda cls: cls.__name__)
def test_every_optimizer_takes_the_step_it_would_take_alone(cls):
    def build():
        torch.manual_seed(0)
        p = torch.nn.Parameter(torch.randn(4, 4))
        if cls is torch.optim.SparseAdam:
            q = torch.nn.Embedding(4, 4, sparse=True)
            return [q.weight], lambda: q(torch.tensor([1, 1, 2])).square().sum()
        return [p], lambda: (p.square() + p).sum()

    ours, loss = build()
    theirs, their_loss = build()
    wrapped, plain = Optimizer(cls(ours, lr=0.1)), cls(theirs, lr=0.1)
    for _ in range(3):
        assert wrapped.apply_gradients(wrapped.compute_gradients(loss))

        def closure():
            plain.zero_grad()
            value = their_loss()
            value.backward()
            return value

        plain.step(closure)
    assert torch.allclose(ours[0], theirs[0], rtol=1e-6)


def test_pairs_come_in_the_order_of_the_variables_and_none_stays():
    p, q = weights()
    pairs = sgd([p, q]).compute_gradients(loss_of(p))
    assert [v is w for (_, v), w in zip(pairs, [p, q], strict=True)] == [True, True]
    assert torch.equal(pairs[0][0], torch.tensor([[3.0, 4.0]]))
    assert pairs[1][0] is None
    assert p.grad is None


def test_a_loss_may_be_a_tensor_and_have_a_gradient_of_its_own():
    p, _ = weights()
    pairs = sgd([p]).compute_gradients(p**2 / 2, grad_loss=torch.tensor([[2.0, 0.0]]))
    assert torch.equal(pairs[0][0], torch.tensor([[6.0, 0.0]]))


def test_only_the_variables_asked_for_move_and_grad_stays_as_it_was():
    p, q = weights()
    q.grad = torch.tensor([7.0])
    wrapped = sgd([p, q])
    wrapped.apply_gradients(wrapped.compute_gradients(loss_of(p, q), var_list=[p]))
    assert torch.equal(p.data, torch.zeros(1, 2))
    assert torch.equal(q.data, torch.tensor([1.0]))
    assert torch.equal(q.grad, torch.tensor([7.0]))
    assert p.grad is None


@pytest.mark.parametrize(
    "clip",
    [
        "norm=1",
        "global-norm=1",
        gradclip.GlobalNorm(1.0),
        lambda gradients: gradclip.clip_by_global_norm(gradients, 1.0)[0],
    ],
)
def test_gradients_are_clipped_on_the_way(clip):
    p, _ = weights()
    wrapped = sgd([p], clip=clip)
    wrapped.minimize(loss_of(p))
    assert torch.allclose(p.data, torch.tensor([[2.4, 3.2]]))


def test_a_user_may_clip_between_the_two_calls():
    p, q = weights()
    wrapped = sgd([p, q])
    pairs = wrapped.compute_gradients(loss_of(p))
    wrapped.apply_gradients([(gradclip.clip_by_norm(g, 1.0), v) for g, v in pairs])
    assert torch.allclose(p.data, torch.tensor([[2.4, 3.2]]))


def test_steps_are_counted():
    p, _ = weights()
    wrapped, step = sgd([p]), torch.tensor(40)
    assert wrapped.minimize(loss_of(p), global_step=step) == 1
    assert wrapped.minimize(loss_of(p), global_step=step) == 2
    assert int(step) == 42
    assert wrapped.iterations == 2


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_step_with_non_finite_gradients_is_dropped_and_counted(value):
    p, _ = weights()
    wrapped, step = Optimizer(torch.optim.Adam([p], lr=1.0)), torch.tensor(0)
    wrapped.minimize(loss_of(p), step)
    before, state = p.detach().clone(), wrapped.state[p]["exp_avg"].clone()
    assert wrapped.apply_gradients([(torch.full((1, 2), value), p)], step) == 1
    assert torch.equal(p, before)
    assert torch.equal(wrapped.state[p]["exp_avg"], state)
    assert (int(step), wrapped.skipped_steps, wrapped.skipped_in_a_row) == (1, 1, 1)
    wrapped.minimize(loss_of(p), step)
    assert (wrapped.skipped_steps, wrapped.skipped_in_a_row) == (1, 0)


def test_a_run_that_no_longer_learns_is_stopped():
    p, _ = weights()
    wrapped = sgd([p], max_skipped=3)
    bad = [(torch.full((1, 2), math.nan), p)]
    wrapped.apply_gradients(bad)
    wrapped.apply_gradients(bad)
    with pytest.raises(NonFiniteGradientError, match="At most 3 steps in a row"):
        wrapped.apply_gradients(bad)


def test_other_answers_to_non_finite_gradients():
    p, q = weights()
    pairs = [(torch.tensor([[math.nan, 1.0]]), p), (torch.tensor([0.5]), q)]
    with pytest.raises(NonFiniteGradientError, match=r"group0\.param0"):
        sgd([p, q], nonfinite="raise").apply_gradients(pairs)
    sgd([p, q], nonfinite="zero").apply_gradients(pairs)
    assert torch.equal(p.data, torch.tensor([[3.0, 4.0]]))
    assert q.item() == 0.5
    sgd([p, q], nonfinite="propagate").apply_gradients(pairs)
    assert torch.isnan(p.data[0, 0])
    with pytest.raises(ConfigurationError, match="`nonfinite` must be one of"):
        sgd([p, q], nonfinite="ignore")


def test_no_gradient_at_all_is_a_mistake():
    p, q = weights()
    with pytest.raises(ConfigurationError, match="got none for 1 variables"):
        sgd([p]).apply_gradients([(None, p)])
    with pytest.raises(ConfigurationError, match=r"others of shapes \[\(1,\)\]"):
        sgd([p]).apply_gradients([(torch.ones(1), q)])


def test_tensorflow_1_arguments_have_no_meaning_here():
    p, _ = weights()
    with pytest.raises(ConfigurationError, match="`gate_gradients` has a meaning for"):
        sgd([p]).compute_gradients(loss_of(p), gate_gradients=0)
    assert sgd([p]).compute_gradients(loss_of(p), None, 1, None, False)  # noqa: FBT003


def test_lbfgs_wants_a_loss_that_it_can_call():
    p, _ = weights()
    wrapped = Optimizer(torch.optim.LBFGS([p]))
    pairs = wrapped.compute_gradients(loss_of(p)())
    with pytest.raises(ConfigurationError, match="a callable, got a tensor"):
        wrapped.apply_gradients(pairs)


def test_state_is_saved_and_resumed():
    p, _ = weights()
    wrapped = Optimizer(torch.optim.Adam([p], lr=0.1))
    wrapped.minimize(loss_of(p))
    wrapped.apply_gradients([(torch.full((1, 2), math.nan), p)])
    state, at = copy.deepcopy(wrapped.state_dict()), p.detach().clone()
    wrapped.minimize(loss_of(p))
    q = torch.nn.Parameter(at)
    resumed = Optimizer(torch.optim.Adam([q], lr=0.1))
    resumed.load_state_dict(state)
    assert (resumed.iterations, resumed.skipped_steps, resumed.skipped_in_a_row) == (1, 1, 1)
    resumed.minimize(loss_of(q))
    assert torch.equal(p.data, q.data)


def test_what_the_wrapper_lacks_is_the_optimizers():
    p, _ = weights()
    wrapped = sgd([p])
    assert wrapped.param_groups[0]["lr"] == 1.0
    with pytest.raises(AttributeError):
        wrapped.nothing  # noqa: B018 - the access is the test


@pytest.mark.parametrize("policy", [gradclip.ZClip(warmup=2), gradclip.AdaGC(warmup=1), "spam"])
def test_what_a_policy_learned_is_saved_too(policy):
    def run(optimizer, p, factors):
        for factor in factors:
            optimizer.apply_gradients([(torch.full((1, 2), factor), p)])

    (p, _), (q, _) = weights(), weights()
    first = Optimizer(torch.optim.AdamW([p], lr=0.1), clip=policy)
    run(first, p, [1.0, 1.5, 1.0])
    q.data.copy_(p.data)
    second = Optimizer(torch.optim.AdamW([q], lr=0.1), clip=policy)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for optimizer, parameter in ((first, p), (second, q)):
        run(optimizer, parameter, [100.0, 1.0])
    assert torch.equal(p, q)
    assert first.report.norm_before == second.report.norm_before


def test_gradients_that_are_given_are_left_as_they_are():
    p, _ = weights()
    gradient = torch.tensor([[3.0, 4.0]])
    sgd([p], clip="norm=1").apply_gradients([(gradient, p)])
    assert torch.equal(gradient, torch.tensor([[3.0, 4.0]]))
    assert torch.allclose(p.data, torch.tensor([[2.4, 3.2]]))


def test_a_policy_goes_on_where_a_variable_is_left_out_for_a_step():
    p, q = weights()
    optimizer = sgd([p, q], clip=gradclip.AdaGC(warmup=1, max_norm=math.inf))
    both = [(torch.ones(1, 2), p), (torch.ones(1), q)]
    optimizer.apply_gradients(both)
    optimizer.apply_gradients(both[:1])
    optimizer.apply_gradients([(torch.full((1, 2), 9.0), p), (torch.full((1,), 9.0), q)])
    parts = optimizer.report.parts()
    assert parts["group0.param0"][1] == pytest.approx(1.05 * 2**0.5)
    assert parts["group0.param1"][1] == pytest.approx(1.05)


def test_a_copy_clips_as_well():
    p, _ = weights()
    optimizer = sgd([p], clip="norm=1")
    optimizer.minimize(loss_of(p))
    other = copy.deepcopy(optimizer)
    q = other.param_groups[0]["params"][0]
    other.minimize(loss_of(q))
    assert torch.allclose(p.data, torch.tensor([[2.4, 3.2]]))
    assert torch.allclose(q.data, torch.tensor([[1.8, 2.4]]))


def test_lbfgs_evaluates_again_with_clipped_gradients():
    p, q = (torch.nn.Parameter(torch.tensor([-1.5, 2.0]).double()) for _ in range(2))

    def bowl(x):
        return lambda: (x[0] - 1) ** 4 + 3 * x[1] ** 2

    wrapped = Optimizer(torch.optim.LBFGS([p], lr=0.5, max_iter=4), clip="global-norm=1")
    attached = torch.optim.LBFGS([q], lr=0.5, max_iter=4)
    gradclip.torch.attach(attached, "global-norm=1")

    def closure():
        attached.zero_grad()
        value = bowl(q)()
        value.backward()
        return value

    for _ in range(3):
        wrapped.minimize(bowl(p))
        attached.step(closure)
    assert torch.allclose(p, q, rtol=1e-10)

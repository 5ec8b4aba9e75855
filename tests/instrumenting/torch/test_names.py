"""What the parameters of optimizers are called: as the outermost model names them."""

import copy
import gc
import io

import pytest
import torch
from torch import nn

from gradclip.instrumenting.torch.names import name_parameters
from gradclip.instrumenting.torch.roots import live_optimizers

pytestmark = pytest.mark.torch


def names(*given):
    """Return what the parameters of modules, or of lists of tensors, are called."""
    parameters = [x.parameters() if isinstance(x, nn.Module) else x for x in given]
    return [n for n, _ in name_parameters([torch.optim.SGD(p, lr=0.1) for p in parameters])]


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(2, 2)
        self.head = nn.Linear(2, 1, bias=False)


def test_a_single_model_names_its_parameters_without_a_prefix():
    assert names(Network()) == ["body.weight", "body.bias", "head.weight"]


def test_an_optimizer_of_a_part_has_the_names_of_the_whole():
    model = Network()
    assert names(model.head) == ["head.weight"]


def test_wrappers_leave_no_trace():
    model = Network()
    wrapped = nn.DataParallel(torch.compile(model, backend="eager"))
    assert names(wrapped) == ["body.weight", "body.bias", "head.weight"]


def test_a_copied_model_is_found():
    model = copy.deepcopy(Network())
    assert names(model) == ["body.weight", "body.bias", "head.weight"]


def test_an_unpickled_model_is_found():
    file = io.BytesIO()
    torch.save(nn.Sequential(nn.Linear(2, 1)), file)
    file.seek(0)
    model = torch.load(file, weights_only=False)
    assert names(model) == ["0.weight", "0.bias"]


def test_a_model_hidden_by_freezing_is_found_by_its_variable():
    model = Network()
    gc.collect()
    gc.freeze()
    try:
        assert names(model) == ["body.weight", "body.bias", "head.weight"]
    finally:
        gc.unfreeze()


def test_several_models_are_told_apart_by_their_variables():
    generator, critic = nn.Linear(2, 1, bias=False), nn.Linear(2, 1, bias=False)
    assert names(critic, generator) == ["critic.weight", "generator.weight"]


def test_a_wrapped_model_goes_by_a_variable_of_either():
    generator, critic = nn.DataParallel(nn.Linear(1, 1, bias=False)), nn.Linear(1, 1, bias=False)
    assert names(generator, critic) == ["generator.weight", "critic.weight"]


def test_models_in_a_dictionary_and_in_attributes_have_variables_too():
    class Trainer:
        def __init__(self):
            self.critic = nn.Linear(1, 1, bias=False)

        def names(self, models):
            return names(models["generator"], self.critic)

    trained = {"generator": nn.Linear(1, 1, bias=False)}
    assert Trainer().names(trained) == ["trained.generator.weight", "critic.weight"]


def test_models_without_variables_go_by_their_classes():
    kept = {nn.Linear(1, 1, bias=False) for _ in range(2)}
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in kept]
    assert [n for n, _ in name_parameters(optimizers)] == ["linear1.weight", "linear2.weight"]


def test_tied_parameters_have_one_name():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    assert names(model) == ["0.weight", "0.bias", "1.bias"]


def test_a_parameter_in_two_models_goes_by_the_one_that_has_most():
    model = Network()
    part = nn.Sequential(model.head)
    other = nn.Module()
    other.same = model.body.weight
    assert names(model) == ["body.weight", "body.bias", "head.weight"]
    del part


def test_a_copy_whose_parameters_are_others_gives_no_name():
    model = Network()
    average = torch.optim.swa_utils.AveragedModel(model)
    assert names(model) == ["body.weight", "body.bias", "head.weight"]
    del average


def test_tensors_of_no_module_go_by_their_variables():
    w1 = torch.zeros(2, requires_grad=True)
    biases = {"b1": torch.zeros(1, requires_grad=True)}
    assert names([w1, *biases.values()]) == ["w1", "biases.b1"]


def test_tensors_that_nothing_holds_go_by_their_places():
    assert names([torch.zeros(2, requires_grad=True)]) == ["group0.param0"]


def test_names_that_the_program_gave_are_kept():
    pairs = [("first", torch.zeros(1, requires_grad=True))]
    optimizer = torch.optim.SGD(pairs, lr=0.1)
    assert [name for name, _ in name_parameters([optimizer])] == ["first"]


def test_a_frame_keeps_nothing_alive_that_was_looked_at():
    class Value:
        pass

    value = Value()
    names([torch.zeros(2, requires_grad=True)])
    del value
    assert not [x for x in gc.get_objects() if type(x) is Value]


def test_optimizers_are_found():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    assert any(x is optimizer for x in live_optimizers())


@pytest.mark.trainers
def test_a_model_is_found_beside_a_large_library():
    transformers = pytest.importorskip("transformers")
    settings = transformers.GPT2Config(
        n_layer=12, n_embd=8, n_head=2, vocab_size=16, bos_token_id=1, eos_token_id=1
    )
    model = transformers.GPT2LMHeadModel(settings)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert name_parameters([optimizer])[0][0] == "transformer.wte.weight"

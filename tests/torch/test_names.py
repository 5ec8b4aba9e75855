"""What the parameters of an optimizer are called."""

import torch

from gradclip.torch.names import NamedParameters


def names(model, parameters=None, given=None):
    optimizer = torch.optim.SGD(parameters or given.parameters(), lr=0.1)
    return NamedParameters(optimizer, model).read()[1]


def test_the_model_names_its_parameters():
    model = torch.nn.Linear(2, 1)
    assert names(model, given=model) == ("weight", "bias")


def test_a_data_parallel_wrapper_leaves_the_names_as_they_are():
    model = torch.nn.Linear(2, 1)
    assert names(torch.nn.DataParallel(model), given=model) == ("weight", "bias")


def test_a_compiled_model_leaves_the_names_as_they_are():
    model = torch.nn.Linear(2, 1)
    compiled = torch.compile(model, backend="eager")
    assert names(compiled, given=model) == ("weight", "bias")


def test_without_a_model_places_are_names():
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))]} for _ in range(2)]
    assert names(None, parameters=groups) == ("group0.param0", "group1.param0")


def test_a_tied_parameter_has_one_name():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    model[1].weight = model[0].weight
    assert names(model, given=model) == ("0.weight", "0.bias", "1.bias")

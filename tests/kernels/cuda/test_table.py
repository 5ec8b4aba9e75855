"""What the kernels can read, and what is left to PyTorch's own calls."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import gradclip
from gradclip.kernels import cuda
from gradclip.torch import device_table
from gradclip.torch.device_layout import DeviceLayout, device_layout
from gradclip.torch.device_table import table


@pytest.mark.parametrize(
    "make",
    [
        lambda device: torch.ones(2, dtype=torch.float64, device=device),
        lambda device: torch.ones(2, dtype=torch.complex64, device=device),
        lambda device: torch.ones(2, 4, device=device)[:, :3],
        lambda device: torch.ones(3, device=device).expand(2, 3),
        lambda device: torch.ones(2, 2, device=device).to_sparse(),
        lambda device: torch.ones(2, device=device, requires_grad=True),
        lambda device: torch.nn.Parameter(torch.ones(2, device=device)),
    ],
    ids=["double", "complex", "gaps", "expanded", "sparse", "derived", "parameter"],
)
def test_what_the_kernels_do_not_know(device, make):
    assert table([torch.ones(2, device=device), make(device)]) is None


def test_parameters_without_autograd(device):
    with torch.no_grad():
        assert table([torch.nn.Parameter(torch.ones(2, device=device))]) is not None


def test_no_tensors(device):
    assert table([]) is None
    assert table([None]) is None


def test_other_classes(device):
    class Own(torch.Tensor):
        pass

    assert table([torch.ones(2, device=device).as_subclass(Own)]) is None


# PyTorch's own compiler, as it is loaded.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")
def test_compiled_code_is_left_alone(device):
    torch._dynamo.reset()

    @torch.compile(backend="eager", fullgraph=True)
    def known(t):
        return t * (2.0 if table([t]) is None else 3.0)

    assert known(torch.ones(1, device=device)).item() == 2.0


def test_vmap_is_left_alone(device):
    def look(t):
        assert table([t]) is None
        return t

    torch.vmap(look)(torch.ones(2, 2, device=device))


def test_layouts_are_made_once_and_addresses_sent_when_they_change(device):
    device_layout.cache_clear()
    first, second = (torch.ones(5, device=device) for _ in range(2))
    for tensors in ([first], [second], [first]):
        assert float(table(tensors).measure().norm) == pytest.approx(5**0.5)
    assert device_layout.cache_info().misses == 1
    second.zero_()
    assert float(table([second]).measure().norm) == 0.0


def test_where_triton_fails_it_is_said_once_and_clipping_goes_on(device, monkeypatch):
    def fail(*_):
        raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(cuda, "measure", fail)
    device_table._works.cache_clear()
    entries = torch.tensor([3.0, 4.0], device=device)
    try:
        with pytest.warns(UserWarning, match="Triton fails on .*: Failed to find C compiler"):
            assert table([entries]) is None
        assert float(gradclip.torch.get_total_norm([entries])) == 5.0
    finally:
        device_table._works.cache_clear()


def test_threads_do_not_share_addresses(device):
    layout = DeviceLayout(device, (5,), bytes(1))
    with ThreadPoolExecutor(1) as other:
        for _ in range(2):  # the second time each finds what it has sent
            waited = other.submit(layout.arguments, [16], 1.0)
            mine, theirs = layout.arguments([32], 2.0), waited.result()
    assert mine.addresses.tolist() == [32]
    assert theirs.addresses.tolist() == [16]
    assert mine.limit.item() == 2.0

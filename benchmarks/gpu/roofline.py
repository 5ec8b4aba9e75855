"""How fast the device reads memory: what no clipping can be faster than."""

import torch

from benchmarks.gpu.clock import Row, Work, measure
from benchmarks.speed.timing import nothing
from gradclip.torch.device_layout import DeviceLayout
from gradclip.torch.device_table import DeviceTable

_ENTRIES = 1 << 28  # 1 GiB of float32, more than any cache
_FEW = 1 << 12
_CHUNKS = (1 << 13, 1 << 14, 1 << 15, 1 << 16, 1 << 17)


def roofline(device: torch.device, seconds: float) -> tuple[float, list[Row]]:
    """Return bytes per second of the fastest plain reduction, and what was tried.

    The kernels' own pass is measured with chunks of several sizes, to choose the usual one by.
    """
    entries = torch.ones(_FEW if device.type == "cpu" else _ENTRIES, device=device)
    works = [
        Work("torch.sum", entries.sum, nothing),
        Work("torch.linalg.vector_norm", lambda: torch.linalg.vector_norm(entries), nothing),
        *(Work(f"four statistics, chunks of {n}", _reader(entries, n), nothing) for n in _CHUNKS),
    ]
    rows = measure(works, seconds=seconds, device=device)
    fastest = min(row.milliseconds.median for row in rows)
    return 4e3 * entries.numel() / fastest, rows


def _reader(entries: torch.Tensor, chunk: int):  # noqa: ANN202 - a function
    layout = DeviceLayout(entries.device, (entries.numel(),), bytes(1), chunk)
    return DeviceTable([entries], layout, [entries.data_ptr()]).measure

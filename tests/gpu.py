"""What tests on a GPU have in common."""

import contextlib
import warnings

import torch


@contextlib.contextmanager
def no_waiting():
    """Have PyTorch raise at what waits for the device."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Synchronization debug mode is a prototype")
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")

"""Mixed precision with a GradScaler as on a GPU, on the CPU that accelerate refuses it."""

import torch


def scale_losses(accelerator, init_scale=1024.0):
    """Have an accelerator scale losses, unscale gradients and drop steps; return its scaler."""
    accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=init_scale)
    accelerator.native_amp = True
    accelerator.state._mixed_precision = "fp16"
    return accelerator.scaler

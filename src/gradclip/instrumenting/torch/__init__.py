"""PyTorch programs, followed by hooks on optimizers, losses and clip functions."""

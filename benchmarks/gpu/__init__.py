"""Clipping on a CUDA device; needs PyTorch, Triton and the checkout, and nothing else."""

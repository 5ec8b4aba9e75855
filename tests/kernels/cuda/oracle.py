"""What the kernels must find, computed in float64 after an exact scaling."""

import math

import torch

DTYPES = [torch.float32, torch.bfloat16, torch.float16]


def draw(length, dtype, device, scale=1.0, seed=0):
    """Normal numbers with zeros among them."""
    entries = torch.randn(length, generator=torch.Generator().manual_seed(seed)) * scale
    entries[::7] = 0
    return entries.to(dtype).to(device)


def exact_norm(entries):
    """The 2-norm, whatever the entries' size; NaN if one is, else inf if one is."""
    moduli = entries.detach().cpu().double().abs().reshape(-1)
    if moduli.isnan().any():
        return math.nan
    largest = float(moduli.max()) if moduli.numel() else 0.0
    if not 0 < largest < math.inf:
        return largest
    unit = 2.0 ** math.frexp(largest)[1]
    return unit * float((moduli / unit).square().sum().sqrt())


def expected(entries):
    """Norm, largest magnitude, and the numbers of non-finite entries and of zeros."""
    wide = entries.detach().cpu().double()
    largest = float(wide.abs().max()) if wide.numel() else 0.0
    bad, zeros = int((~wide.isfinite()).sum()), int((wide == 0).sum())
    return exact_norm(entries), largest, bad, zeros


def agree(measured, tensors):
    """Tell whether what was measured of tensors is what there is, to 1e-6 for the norms."""
    columns = [column.tolist() for column in measured[:4]]
    for found, tensor in zip(zip(*columns, strict=True), tensors, strict=True):
        norm, *exact = expected(tensor)
        assert (
            math.isclose(found[0], norm, rel_tol=1e-6)
            or found[0] is norm
            or both_nan(found[0], norm)
        ), (found, norm)
        for x, y in zip(found[1:], exact, strict=True):
            assert x == y or both_nan(x, y), (found, exact)
    return True


def both_nan(x, y):
    return math.isnan(x) and math.isnan(y)

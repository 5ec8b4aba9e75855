"""Tensors on a CUDA device, by the Triton kernels where they can read them."""

import math
from collections.abc import Sequence

from torch import Tensor

from gradclip.core.namespace import EUCLIDEAN
from gradclip.core.statistics import Look
from gradclip.torch.device_table import DeviceTable, Measured, table

_NORMS = {EUCLIDEAN, math.inf}


def norms(tensors: Sequence[Tensor | None], p: float) -> Tensor | None:
    """Return the p-norms (T,) of tensors in float64, 0 for None; None if the kernels cannot.

    Args:
        tensors: T tensors.
        p: The p of the norm; the kernels know 2 and inf.
    """
    if p not in _NORMS or (found := table(tensors)) is None:
        return None
    measured = found.measure()
    return measured.norms if p == EUCLIDEAN else measured.largest


def global_norm(tensors: Sequence[Tensor], p: float) -> Tensor | None:
    """Return the p-norm () of all tensors as one vector in float64; None as in `norms`."""
    if p not in _NORMS or (found := table(tensors)) is None:
        return None
    return found.measure(p=p).norm


def look(tensors: Sequence[Tensor | None]) -> Look | None:
    """Return what one pass finds of T tensors; None as in `norms`."""
    found = table(tensors)
    if found is None:
        return None
    measured = found.measure()
    columns = measured[:4]
    return Look(lambda: columns, total=measured.norm)


def scale(tensors: Sequence[Tensor | None], factors: Tensor) -> bool:
    """Multiply tensors in place by a factor on their device: 1 leaves them alone, 0 gives zeros.

    Args:
        tensors: T tensors.
        factors: One for all, (), or one for each, (T,).

    Returns:
        Whether the kernels could; otherwise nothing was done.
    """
    found = table(tensors)
    if found is None or factors.device != found.device:
        return False
    found.scale(factors)
    return True


def decide(
    tensors: Sequence[Tensor | None],
    limit: float | Tensor,
    *,
    p: float = EUCLIDEAN,
    unit: Tensor | None = None,
) -> Measured | None:
    """Return what one pass finds of tensors, and the factor that brings them down to a limit.

    For a fused optimizer: with `grad_scale` set to `inverse_factor` and `found_inf` to
    `found_inf`, its step is that of clipped gradients, which nobody wrote, and none where a
    gradient is not finite.

    Args:
        tensors: T tensors; None is left out.
        limit: The largest norm, a number >= 0 or a tensor ().
        p: The p of the norm; the kernels know 2 and inf.
        unit: What the norm is multiplied by first, () on the device.

    Returns:
        What was found; None as in `norms`, and if a tensor () is on another device.
    """
    bound = _number(limit)
    found = _table_for(tensors, p, (bound, unit))
    return None if found is None else found.measure(bound, p=p, unit=unit)


def clip(tensors: Sequence[Tensor], limit: float | Tensor | None, p: float) -> Tensor | None:
    """Scale tensors in place to a p-norm of at most `limit`, and wait for nothing.

    Args:
        tensors: T tensors.
        limit: The largest norm, a number >= 0 or a tensor (); None for none.
        p: The p of the norm; the kernels know 2 and inf.

    Returns:
        The norm before, (), float32; None as in `decide`, and nothing was done.
    """
    bound = math.inf if limit is None else _number(limit)
    found = _table_for(tensors, p, (bound,))
    if found is None:
        return None
    measured = found.measure(bound, p=p)
    if isinstance(bound, Tensor) or bound < math.inf:
        found.scale(measured.factor)
    return measured.narrow_norm


def _table_for(
    tensors: Sequence[Tensor | None], p: float, scalars: tuple[object, ...]
) -> DeviceTable | None:
    """Return a table, if the kernels know the norm and can read the scalars as well."""
    found = table(tensors) if p in _NORMS else None
    given = [x for x in scalars if isinstance(x, Tensor)]
    if found is None or any(not x.is_floating_point() or x.device != found.device for x in given):
        return None
    return found


def _number(limit: float | Tensor) -> float | Tensor:
    """Return a limit that lies on the host as a number, which is sent with the addresses."""
    return float(limit) if isinstance(limit, Tensor) and limit.is_cpu else limit

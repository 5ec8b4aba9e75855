"""The published rules in plain Python, from their formulas: oracles for the named policies.

Each takes the norms (or entries) of step after step and returns what is left of each.
"""

import math
import statistics


def autoclip(norms, percentile):
    """Seetharaman 2020: the percentile of all norms up to and with this one; limits by step."""
    history, limits = [], []
    for norm in norms:
        history.append(norm)
        limits.append(linear_percentile(history, percentile))
    return limits


def linear_percentile(values, percentile):
    ordered = sorted(values)
    place = percentile / 100 * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low + (place - math.floor(place)) * (high - low)


def zclip(norms, *, threshold=2.5, decay=0.97, warmup=25, observe="cut"):
    """Kumar 2025 with reciprocal clipping and without the code's epsilon and `max_grad_norm`.

    `observe` is what the moments learn from in place of a spike: the norm it is cut to, which is
    the paper, or the largest norm that is no spike.
    """
    buffer, mean, variance, kept = [], None, None, []
    for norm in norms:
        if mean is None:
            buffer.append(norm)
            kept.append(norm)
            if len(buffer) == warmup:
                mean, variance = statistics.fmean(buffer), statistics.pvariance(buffer)
            continue
        deviation = math.sqrt(variance)
        spike = norm - mean > threshold * deviation
        if spike:
            z = (norm - mean) / deviation
            kept.append(mean + threshold**2 / z * deviation)
        else:
            kept.append(norm)
        seen = mean + threshold * deviation if spike and observe == "edge" else kept[-1]
        mean = decay * mean + (1 - decay) * seen
        variance = decay * variance + (1 - decay) * (seen - mean) ** 2
    return kept


def adagc(rows, *, factor=1.05, decay=0.98, warmup=100, max_norm=1.0):
    """Wang 2025, Algorithm 1: rows of tensors' norms; what is left of each."""
    means, kept = [math.inf] * len(rows[0]), []
    for step, row in enumerate(rows):
        if step < warmup:
            share = min(1.0, max_norm / math.hypot(*row))
            left = [share * norm for norm in row]
            means = [min(mean, norm) for mean, norm in zip(means, left, strict=True)]
        else:
            left = [min(norm, factor * mean) for mean, norm in zip(means, row, strict=True)]
            means = [
                decay * mean + (1 - decay) * norm for mean, norm in zip(means, left, strict=True)
            ]
        kept.append(left)
    return kept


def spam(rows, *, threshold=5000.0, decay=0.999, warmup=20, reset_every=500):
    """Huang 2025: rows of entries; what is left of each. Counts steps from a reset on."""
    moments, kept = [0.0] * len(rows[0]), []
    for step, row in enumerate(rows):
        if step % reset_every == 0:
            moments = [0.0] * len(row)
        left = list(row)
        if step % reset_every >= warmup:
            left = [
                math.copysign(math.sqrt(threshold * v), g) if g * g > threshold * v else g
                for g, v in zip(row, moments, strict=True)
            ]
        moments = [decay * v + (1 - decay) * g * g for v, g in zip(moments, left, strict=True)]
        kept.append(left)
    return kept


def pascanu(tensors, max_norm):
    """Pascanu 2013, Algorithm 1."""
    norm = math.hypot(*(entry for tensor in tensors for entry in tensor))
    return [[g * max_norm / norm for g in t] for t in tensors] if norm >= max_norm else tensors


def adafactor(tensor, threshold):
    """Shazeer and Stern 2018, section 6: U / max(1, RMS(U) / d)."""
    rms = math.sqrt(statistics.fmean(u * u for u in tensor))
    return [u / max(1.0, rms / threshold) for u in tensor]


def agc(gradient, weight, clipping, eps=1e-3):
    """Brock 2021, equation 3, on one unit."""
    largest = clipping * max(math.hypot(*weight), eps)
    norm = math.hypot(*gradient)
    return [g * largest / norm for g in gradient] if norm > largest else gradient


__all__ = [
    "adafactor",
    "adagc",
    "agc",
    "autoclip",
    "linear_percentile",
    "pascanu",
    "spam",
    "zclip",
]

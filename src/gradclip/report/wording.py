"""Numbers as people read them: the same in the terminal and on the page."""

import math

_FIXED = (1e-3, 99999.5)  # sizes that need no power of ten
_SIMILAR = 1.1  # times as large: less is no difference worth telling
_WHOLE = 999.5  # from here on three digits make a whole number


def number(value: float) -> str:
    """Return a number in three significant digits, with a power of ten only where it helps.

    Example:
        >>> [number(value) for value in (58.234, 0.5, 0.0, 1234567.0, 1.5e-9, math.nan, math.inf)]
        ['58.2', '0.5', '0', '1.23e6', '1.5e-9', 'NaN', '∞']
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    if not _FIXED[0] <= abs(value) < _FIXED[1]:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{value:.0f}" if abs(value) >= _WHOLE else f"{value:.3g}"


def percent(share: float) -> str:
    """Return a share of 1 as a percentage that never rounds to a false 0 or 100.

    Example:
        >>> [percent(share) for share in (0.0, 0.0004, 0.234, 0.9876, 0.9999, 1.0)]
        ['0 %', '0.04 %', '23.4 %', '98.8 %', '99.99 %', '100 %']
    """
    if math.isnan(share):
        return "unknown"
    texts = [f"{100 * share:.{digits}f}" for digits in (1, 2, 3, 4)]
    honest = [text for text in texts if float(text) not in {0.0, 100.0} or share in {0.0, 1.0}]
    text = honest[0] if honest else texts[-1]
    return f"{text.rstrip('0').rstrip('.')} %"


def part_of(count: int, total: int, noun: str = "") -> str:
    """Return a part of a whole, with its share.

    Example:
        >>> part_of(1, 469), part_of(2, 4, "steps"), part_of(0, 0)
        ('1 of 469 (0.2 %)', '2 of 4 steps (50 %)', '0 of 0')
    """
    text = f"{count:,} of {total:,} {noun}".rstrip()
    return f"{text} ({percent(count / total)})" if count else text


def plural(count: int, noun: str) -> str:
    """Return a count with its noun.

    Example:
        >>> plural(1, "step"), plural(2000, "step")
        ('1 step', '2,000 steps')
    """
    return f"{count:,} {noun}{'s' if count != 1 else ''}"


def times(ratio: float) -> str:
    """Return a positive ratio of two sizes so that it can stand before the other size.

    Example:
        >>> times(0.25), times(8.0), times(1.02)
        ('4 times smaller than', '8 times larger than', 'about as large as')
    """
    if 1 / _SIMILAR < ratio < _SIMILAR:
        return "about as large as"
    if ratio < 1:
        return f"{number(1 / ratio)} times smaller than"
    return f"{number(ratio)} times larger than"


def duration(seconds: float) -> str:
    """Return a length of time.

    Example:
        >>> [duration(seconds) for seconds in (0.42, 8.4, 75.0, 4000.0)]
        ['0.42 s', '8.4 s', '1 min 15 s', '1 h 6 min']
    """
    if seconds < 60:  # noqa: PLR2004  # seconds a minute
        return f"{number(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004  # minutes an hour
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def framework_title(name: str) -> str:
    """Return a framework's name as its makers write it.

    Example:
        >>> framework_title("torch"), framework_title("mine")
        ('PyTorch', 'mine')
    """
    titles = {
        "torch": "PyTorch",
        "tensorflow": "TensorFlow",
        "jax": "JAX",
        "keras": "Keras",
        "numpy": "NumPy",
    }
    return titles.get(name, name)

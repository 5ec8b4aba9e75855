"""Names of layers in little room."""


def shortened(name: str, width: int) -> str:
    """Return a name that fits: its first words are cut to their first letters, then its start off.

    Example:
        >>> shortened("layers.10.attn.weight", 16), shortened("layers.10.attn.weight", 12)
        ('l.10.attn.weight', 'l.10.a.w')
        >>> shortened("embedding", 5)
        '…ding'
    """
    words = name.split(".")
    for place, word in enumerate(words):
        if len(name) <= width or len(words) == 1:
            break
        words[place] = word if word.isdecimal() else word[:1]
        name = ".".join(words)
    return name if len(name) <= width else "…" + name[len(name) - width + 1 :]


def distinct(names: list[str]) -> list[str]:
    """Return names without the words that all of them begin or end with.

    Example:
        >>> distinct(["net.0.weight", "net.12.weight"])
        ['0', '12']
    """
    words = [name.split(".") for name in names]
    least = min(map(len, words), default=1) - 1  # something of each is left
    first = _common(words, least)
    last = _common([word[::-1] for word in words], least - first)
    return [".".join(word[first : len(word) - last]) for word in words]


def _common(words: list[list[str]], most: int) -> int:
    """Return how many words all begin with."""
    columns = list(zip(*words, strict=False))[:most]
    different = [place for place, column in enumerate(columns) if len(set(column)) > 1]
    return different[0] if different else max(most, 0)

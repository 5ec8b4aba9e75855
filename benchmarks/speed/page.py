"""The page that shows the results, and the tables with every time."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from textwrap import dedent

from benchmarks.speed.contenders.case import CASES
from benchmarks.speed.functions import FRAMEWORKS, GIVE_UP_SECONDS
from benchmarks.speed.limit import LIMIT
from benchmarks.speed.shapes import NETWORKS
from benchmarks.speed.store import STORE, Results, Row

PAGE = Path(__file__).parents[2] / "docs" / "speed.md"
TABLES = STORE.with_suffix(".md")
TITLES = {"torch": "PyTorch", "tensorflow": "TensorFlow", "jax": "JAX", "numpy": "NumPy"}
_UNSURE = 1.5  # quartiles that lie further apart than by this factor
_HEAD = """\
    ---
    hide: [toc]
    ---
    # Speed

    What clipping costs, beside each framework's own function and other packages, on the CPU.
    **Nothing on this page is written by hand**: `make bench` measures everything and makes it;
    `benchmarks/results/speed.md` in the checkout has every time with its quartiles.

    - Contenders take turns in one process, each round in another order. Numbers are medians of
      ratios within a round; ~ stands before those whose quartiles lie more than a factor of
      1.5 apart, where the machine was busy.
    - *Nothing to clip*: the threshold lies far above the norm, as in most steps of a healthy run.
      *Clipping*: it is half the norm, so every gradient is scaled.
    - Before each turn of PyTorch's the gradients are written anew, untimed, as `backward` leaves
      them; all work in place. Elsewhere all return new arrays.
    - *Limit* is the fastest plain reduction of as many entries in one array: what reading the
      gradients once costs on this machine, measured in the same rounds.
    - *Four statistics*: norm, largest modulus, numbers of non-finite entries and of zeros of
      each tensor, and the clip. The others measure a norm, or what their name says.
    - MLP has 6 tensors and 0.24 million entries, ResNet-50 161 and 25.6 million, GPT-2 148 and
      124 million.
    """
_FUNCTIONS = """\

    ## {title}

    ![Time of each contender over that of the framework's own function](assets/speed-{name}.svg)

    Ratios to the first of each group, whose time is in brackets; nothing to clip, and clipping.
    {threads}
    """
_STEPS = """\

    ## Whole training steps, PyTorch

    ![Overhead over a step without clipping](assets/speed-steps.svg)

    What clipping adds to a step without clipping, in percent. MLP and CNN learn MNIST in batches
    of 64, the small GPT (3.3 million parameters) learns bytes; the optimizer is `AdamW` as it is.
    *Everything recorded*: four statistics of each tensor, and reports of the last 100 steps. The
    last rows are bare steps of `AdamW(fused=True)`, without forward and backward.

    """
_GROWTH = """\

    ## Growth

    ![Time and memory over the number of tensors and of entries](assets/speed-growth.svg)

    PyTorch, nothing to clip. Left: tensors of 1,000 entries; right: entries, in 100 tensors. Extra
    memory is by how much a process grows at its first clip.

    """
_ACCURACY = """\

    ## Accuracy

    The relative error of the norm of one tensor of normal numbers in float32, against sums in
    float64, in PyTorch:

    """


def write_page(results: Results, page: Path = PAGE, tables: Path = TABLES) -> None:
    """Write the page and the tables of some results."""
    page.write_text(render(results))
    tables.write_text(render_tables(results))


def render(results: Results) -> str:
    """Return the page."""
    parts = [dedent(_HEAD)]
    functions = results.get("functions", [])
    for name in FRAMEWORKS:
        if of_framework := [row for row in functions if row["framework"] == name]:
            parts += _framework(name, of_framework)
    for part, head, table in (
        ("steps", _STEPS, _steps),
        ("growth", _GROWTH, _growth),
        ("accuracy", _ACCURACY, _accuracy),
    ):
        if part in results:
            parts += [dedent(head), *table(results[part])]
    parts += ["\n## Where\n\n", *_places(results)]
    return "".join(parts)


def render_tables(results: Results) -> str:
    """Return every time with its quartiles."""
    lines = ["# Speed: every time\n\nWritten by `python -m benchmarks.speed`; "]
    lines += ["`benchmarks/README.md` says how. Medians, with quartiles in brackets.\n\n"]
    lines += _places(results)
    for part in ("functions", "steps"):
        if part in results:
            lines += [f"\n## {part.capitalize()}\n\n", *_every_time(results[part])]
    return "".join(lines)


def _framework(name: str, rows: list[Row]) -> Iterator[str]:
    threads = sorted({row["threads"] for row in rows}, reverse=True)
    words = f"{threads[0]} threads." if threads[0] > 1 else "1 thread."
    yield dedent(_FUNCTIONS).format(title=TITLES[name], name=name, threads=words)
    for count in threads:
        if count != threads[0]:
            yield f"\nWith {count} thread{'s' * (count > 1)}:\n"
        chosen = [row for row in rows if row["threads"] == count]
        yield "\n"
        yield from _ratios(chosen)
    yield _missing(name, rows)


def _missing(name: str, rows: list[Row]) -> str:
    """Say why there are dashes, where there are."""
    names = {(row["group"], row["name"]) for row in rows}
    cells = len({(row["network"], row["threads"]) for row in rows}) * len(CASES)
    networks = {row["network"] for row in rows}
    if len(rows) == len(names) * cells and networks == set(NETWORKS):
        return ""
    compiled = "Thousands of tensors are not compiled by XLA, which takes minutes; "
    return (
        f"\n&ndash; was not measured. {compiled if name == 'tensorflow' else ''}"
        f"{'what' if name == 'tensorflow' else 'What'} is not done after "
        f"{GIVE_UP_SECONDS} seconds a network, compilation included, is cut off.\n"
    )


def _ratios(rows: list[Row]) -> Iterator[str]:
    """Yield a table: contenders by networks and cases."""
    networks = [n for n in NETWORKS if any(row["network"] == n for row in rows)]
    networks += sorted({row["network"] for row in rows} - {*networks})
    columns = [(network, case) for network in networks for case in CASES]
    titles = [
        f"{network}, {'clipping' if case == CASES[1] else 'nothing'}" for network, case in columns
    ]
    yield _line(["", *titles])
    yield _line(["---", *["---:"] * len(columns)])
    cells = {(r["group"], r["name"], r["network"], r["case"]): r for r in rows}
    bases: set[str] = set()
    for group, name in _ordered(rows):
        first = group not in bases
        bases.add(group)
        label = f"{name}, {group}" if group and name != LIMIT else name
        found = [cells.get((group, name, *column)) for column in columns]
        yield _line([_emphasized(label), *(_ratio(row, first=first) for row in found)])


def _ordered(rows: list[Row]) -> list[tuple[str, str]]:
    """Return groups and names, each group together, the limit last."""
    names = dict.fromkeys((row["group"], row["name"]) for row in rows)
    groups = list(dict.fromkeys(group for group, _ in names))
    return sorted(names, key=lambda n: (n[1] == LIMIT, groups.index(n[0])))


def _emphasized(name: str) -> str:
    return f"**{name}**" if name.startswith("gradclip") else name


def _ratio(row: Row | None, *, first: bool) -> str:
    if row is None:
        return "&ndash;"
    median, low, high = row["ratio"]
    if first:
        return f"1 ({row['milliseconds'][0]:.3g} ms)"
    return f"{'~' if high > _UNSURE * low else ''}{_short(median)}"


def _short(number: float) -> str:
    """Return two digits or three, without an exponent."""
    return f"{number:.2f}" if number < 9.95 else f"{number:.0f}"  # noqa: PLR2004 - 10 rounded


def _steps(rows: list[Row]) -> Iterator[str]:
    models = list(dict.fromkeys((row["model"], row["case"]) for row in rows))
    names = list(dict.fromkeys(row["name"] for row in rows))
    cells = {(row["model"], row["case"], row["name"]): row for row in rows}
    yield _line(["step", "", *map(_emphasized, names)])
    yield _line(["---", "---", *["---:"] * len(names)])
    for place in models:
        found = [cells[*place, name] for name in names]
        yield _line([*place, f"{found[0]['milliseconds'][0]:.3g} ms", *map(_percent, found[1:])])


def _percent(row: Row) -> str:
    low, median, high = sorted(100 * (ratio - 1) for ratio in row["ratio"])
    return f"{median:+.1f} % ({low:+.1f} to {high:+.1f})"


def _growth(rows: list[Row]) -> Iterator[str]:
    names = list(dict.fromkeys(row["name"] for row in rows))
    cells = {(row["axis"], row["size"], row["name"]): row for row in rows}
    yield _line(["", *map(_emphasized, names)])
    yield _line(["---", *["---:"] * len(names)])
    for axis, size in dict.fromkeys((row["axis"], row["size"]) for row in rows):
        found = [cells[axis, size, name] for name in names]
        yield _line([f"{size:,} {axis}", *map(_time_and_memory, found)])


def _time_and_memory(row: Row) -> str:
    return f"{row['milliseconds'][0]:.3g} ms, {row['extra_bytes'] / 2**20:.3g} MB"


def _accuracy(rows: list[Row]) -> Iterator[str]:
    names = list(dict.fromkeys(row["name"] for row in rows))
    errors = {(row["size"], row["name"]): row["error"] for row in rows}
    yield _line(["entries", *map(_emphasized, names)])
    yield _line(["---:", *["---:"] * len(names)])
    for size in dict.fromkeys(row["size"] for row in rows):
        yield _line([f"{size:,}", *(f"{errors[size, name]:.1e}" for name in names)])


def _places(results: Results) -> list[str]:
    """Say where each part was measured."""
    return [f"- {part}: {place}\n" for part, place in results["place"].items()]


def _every_time(rows: list[Row]) -> Iterator[str]:
    keys = [
        k
        for k in ("framework", "network", "model", "case", "group", "name", "threads")
        if k in rows[0]
    ]
    yield _line([*keys, "rounds", "ms", "ratio to the group's first"])
    yield _line([*["---"] * len(keys), "---:", "---:", "---:"])
    for row in rows:
        spreads = [_words(row["milliseconds"]), _words(row["ratio"])]
        yield _line([*(str(row[key]) for key in keys), str(row["rounds"]), *spreads])


def _words(spread: Sequence[float]) -> str:
    median, low, high = spread
    return f"{median:.3g} ({low:.3g} to {high:.3g})"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"

"""The page that shows the verdicts side by side."""

from collections.abc import Iterable, Mapping
from textwrap import dedent

from benchmarks.edge_cases.cases import CASES, Case
from benchmarks.edge_cases.judge import Verdict
from benchmarks.edge_cases.run import Results

COLUMNS = ("gradclip", "torch", "tensorflow", "optax", "keras")
_RIGHT = '<span class="right" title="right">✓</span>'
_WRONG = '<span class="wrong" title="wrong">✗</span>'
_NONE = '<span class="absent" title="not offered">&ndash;</span>'
_HEAD = """\
    ---
    hide: [toc]
    ---
    # Edge cases, side by side

    The same inputs go through gradclip and through each framework's own function. An oracle in
    NumPy's widest type (80 bits, exact enough for squares of 1e200) says what is right.
    **Nothing in the table is written by hand**: `python -m benchmarks.edge_cases` runs
    everything and makes this page.

    - <span class="right">✓</span> right, <span class="wrong">✗</span> wrong, with the number that
      came out, &ndash; not offered or refused with an error.
    - *Right* is what the [numerical contract](numerical-contract.md) says: a norm within 1e-6;
      gradients at or below the threshold keep their bits; clipped ones have the threshold's norm
      within 5e-7 (or one rounding of the type); a negative or NaN threshold is refused.
    - *gradclip* stands for all its rooms: {rooms}. A check mark
      means that all of them are right.
    - The others are {peers}.
      torch is `torch.nn.utils.clip_grad_norm_`; tensorflow is `tf.clip_by_global_norm` (for one
      tensor `tf.clip_by_norm`), eager, in a `tf.function` and under XLA; optax is
      `optax.clip_by_global_norm` with `optax.tree.norm`, eager and under `jit`; keras is an
      optimizer with `global_clipnorm` (for one tensor `clipnorm`) on the TensorFlow
      backend, which reports no norm: only its result is judged.
    """
_FOOT = """\
    ## What the others document

    Some of what counts as wrong here is documented, or a choice that one can defend:

    - PyTorch divides by the norm plus 1e-6, so that gradients of norm 0 need no special case. Hence
      results a little below the threshold, and far below it when it is small.
    - PyTorch offers `error_if_nonfinite=True`. By default an infinite entry zeroes all finite ones.
    - TensorFlow asks for thresholds above 0, and documents that an infinite norm makes all
      entries NaN.
    - Keras takes a threshold of 0 or less for "no clipping".
    - optax takes any number or traced value for a threshold, and checks none.
    - PyTorch and optax take a list for a list: who gives a parameter twice has it counted twice.
    - TensorFlow's slices may repeat a row. Its norm, and Keras's, is that of the rows as they lie,
      not of the gradient that they stand for.

    A refusal with an error is never counted as wrong.
    """


def render(results: Results, versions: Mapping[str, str]) -> str:
    """Return the page for results that cover all frameworks."""
    peers = ", ".join(f"{name} {version}" for name, version in versions.items())
    rooms = ", ".join(f"`{n.removeprefix('gradclip ')}`" for n in _subjects(results, "gradclip"))
    head = dedent(_HEAD).format(rooms=rooms, peers=peers)
    rows = [_row(["case", *COLUMNS]), _row(["---"] * (1 + len(COLUMNS)))]
    rows += [_row([case.title, *(_cell(results, case, c) for c in COLUMNS)]) for case in CASES]
    return "\n".join([head, *rows, "", dedent(_FOOT)])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _subjects(results: Results, column: str) -> list[str]:
    """Return the names of a column's subjects: its modes, or all rooms of gradclip."""
    return sorted(name for name in results if name.split()[0] == column)


def _cell(results: Results, case: Case, column: str) -> str:
    """Return what the modes have in common, or each mode's own verdict."""
    verdicts = {
        name.removeprefix(column).strip(): results[name][case.key]
        for name in _subjects(results, column)
    }
    if column == "gradclip":  # a room that has nothing to compare does not speak for the others
        verdicts = {n: v for n, v in verdicts.items() if v != Verdict(right=None, text="")}
    groups: dict[Verdict, list[str]] = {}
    for name, verdict in verdicts.items():
        groups.setdefault(verdict, []).append(name)
    if len(groups) == 1:
        return _words(next(iter(groups)))
    return "<br>".join(f"{_words(v)} *({', '.join(names)})*" for v, names in groups.items())


def _words(verdict: Verdict) -> str:
    mark = {True: _RIGHT, False: _WRONG, None: _NONE}[verdict.right]
    return f"{mark} {verdict.text}".strip()

"""The page with the tables: nothing in it is written by hand."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.clipping import jobs
from benchmarks.clipping.store import Outcomes, place, select
from benchmarks.clipping.train import Outcome

PAGE = Path(__file__).parents[1] / "results" / "clipping.md"
NAMES = {
    "none": "none (SGD)",
    "global-norm": "GlobalNorm",
    "norm": "Norm",
    "average-norm": "AverageNorm",
    "block-rms": "BlockRMS",
    "value": "Value",
    "agc": "AdaptiveGradientClipping",
    "autoclip": "AutoClip",
    "zclip": "ZClip",
    "adagc": "AdaGC",
    "spam": "SPAM",
}
_HEAD = """\
# What clipping does for recurrent networks

Written by `python -m benchmarks.clipping`; `docs/proof.md` says what it means. Trainings with the
same seed start from the same weights and see the same batches; numbers are medians over the seeds.
{place}.
"""
_TITLES = {
    "lengths": "Temporal order: success by length",
    "policies": f"Temporal order: all policies at length {jobs.POLICY_LENGTH}",
    "rates": "Text: learning rates",
    "characters": f"Text: all policies at rate {jobs.POLICY_RATE:g}",
}


def write_page(outcomes: Outcomes) -> None:
    """Write the page of some outcomes."""
    PAGE.write_text(render(outcomes, place()))


def render(outcomes: Outcomes, where: str) -> str:
    """Return the page; docs/proof.md includes its tables by the names in their comments."""
    rows = {
        "lengths": _lengths(outcomes),
        "policies": _policies(outcomes),
        "rates": _rates(outcomes),
        "characters": _characters(outcomes),
    }
    sections = [
        f"## {title}\n\n<!-- --8<-- [start:{name}] -->\n{_table(rows[name])}"
        f"<!-- --8<-- [end:{name}] -->\n"
        for name, title in _TITLES.items()
    ]
    return "\n".join([_HEAD.format(place=where), *sections])


def name_of(policy: str) -> str:
    """Return a policy's name as Python has it.

    Example:
        >>> name_of("global-norm=1"), name_of("zclip + global-norm=1")
        ('GlobalNorm(1)', 'ZClip() + GlobalNorm(1)')
    """
    parts = []
    for text in policy.split(" + "):
        name, _, number = text.partition("=")
        parts.append(NAMES[name] if name == "none" else f"{NAMES[name]}({number})")
    return " + ".join(parts)


def middle(values: Iterable[float]) -> float:
    """Return the median; NaN counts as infinite, as it is worse than any number."""
    return median(math.inf if math.isnan(value) else value for value in values)


def bits(nats: float) -> float:
    """Return a loss in bits, which texts are measured by."""
    return nats / math.log(2)


def _lengths(outcomes: Outcomes) -> Iterator[Sequence[str]]:
    each = ["steps", "test error", "largest norm"]
    yield ["init", "length", "SGD", *each, "SGD-C", *each]
    for init, choices in jobs.LENGTHS.items():
        for length in choices:
            pair = [
                select(outcomes, init=init, length=length, policy=policy, task="temporal-order")
                for policy in ("none", jobs.CLIP)
            ]
            cells = [(*_success(runs), _error(runs), _largest(runs)) for runs in pair]
            yield [init, str(length), *cells[0], *cells[1]]


def _policies(outcomes: Outcomes) -> Iterator[Sequence[str]]:
    yield ["policy", "solved", "steps", "test error", "steps clipped", "largest norm"]
    for policy in jobs.POLICIES:
        runs = policy_runs(outcomes, policy)
        yield [name_of(policy), *_success(runs), _error(runs), _clipped(runs), _largest(runs)]


def policy_runs(outcomes: Outcomes, policy: str) -> list[Outcome]:
    """Return a policy's outcomes at the length and for the seeds that all have."""
    runs = select(
        outcomes,
        task="temporal-order",
        init="smart-tanh",
        length=jobs.POLICY_LENGTH,
        policy=policy,
    )
    return runs[: len(jobs.POLICY_SEEDS)]


def _rates(outcomes: Outcomes) -> Iterator[Sequence[str]]:
    clipped = name_of(jobs.CHARACTER_CLIP)
    yield ["learning rate", "SGD", "largest norm", clipped, "largest norm", "steps clipped"]
    for lr in jobs.RATES:
        plain, held = (
            select(outcomes, task="characters", lr=lr, policy=policy)
            for policy in ("none", jobs.CHARACTER_CLIP)
        )
        cells = [_bits(plain), _largest(plain), _bits(held), _largest(held), _clipped(held)]
        yield [f"{lr:g}", *cells]


def _characters(outcomes: Outcomes) -> Iterator[Sequence[str]]:
    yield ["policy", "bits a character", "of its seeds", "steps clipped", "largest norm"]
    for policy in jobs.CHARACTER_POLICIES:
        runs = select(outcomes, task="characters", lr=jobs.POLICY_RATE, policy=policy)
        each = sorted(bits(run.test_loss) for run in runs)
        span = f"{each[0]:.2f} to {each[-1]:.2f}"
        yield [name_of(policy), _bits(runs), span, _clipped(runs), _largest(runs)]


def _success(runs: Sequence[Outcome]) -> tuple[str, str]:
    """Return how many solved the task, and the median step at which they did."""
    steps = [math.inf if run.solved_at is None else run.solved_at for run in runs]
    solved = sum(map(math.isfinite, steps))
    typical = middle(steps)
    return f"{solved} of {len(runs)}", f"{typical:,.0f}" if math.isfinite(typical) else "-"


def _error(runs: Sequence[Outcome]) -> str:
    return f"{100 * middle(run.test_error for run in runs):.1f} %"


def _bits(runs: Sequence[Outcome]) -> str:
    return f"{middle(bits(run.test_loss) for run in runs):.2f}"


def _largest(runs: Sequence[Outcome]) -> str:
    return f"{middle(run.largest_norm for run in runs):.3g}"


def _clipped(runs: Sequence[Outcome]) -> str:
    return f"{100 * middle(run.clipped / run.steps for run in runs):.0f} %"


def _table(rows: Iterable[Sequence[str]]) -> str:
    head, *body = rows
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *body))

"""The newest step in Prometheus' text form, for node_exporter's textfile collector."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gradclip.record.disk import whole, writing
from gradclip.record.schema import Metadata, Status, StepRecord
from gradclip.record.sinks.choice import Choice, Told

_HELP: Mapping[str, str] = {
    "global_norm_before": "Norm of all gradients as one vector, before clipping.",
    "global_norm_after": "Norm of all gradients as one vector, after clipping.",
    "highest_global_norm_before": "Highest global norm before clipping since the last report.",
    "limit": "Threshold in force.",
    "scale": "Norm after clipping over the norm before.",
    "clipped_share": "Share of the steps since the last report that were clipped.",
    "skipped": "Steps since the last report that were skipped.",
    "loss": "Loss of the batch.",
    "accuracy": "Accuracy of the batch.",
    "learning_rate": "Learning rate in force.",
    "largest_gradient": "Largest magnitude among all gradients' entries, before clipping.",
    "nonfinite_entries": "Entries since the last report that were NaN or infinite.",
    "step": "Number of the step that these numbers are of.",
    "layer_norm_before": "Norm of a parameter's gradient, before clipping.",
    "layer_norm_after": "Norm of a parameter's gradient, after clipping.",
}
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_SPECIAL = {math.inf: "+Inf", -math.inf: "-Inf"}


class Prometheus:
    """Write the newest chosen step to a text file, whole each time.

    Metrics are gauges such as `gradclip_global_norm_before`, with the label `run`; those of layers
    are `gradclip_layer_norm_before` and `gradclip_layer_norm_after`, with the label `layer`.

    Args:
        path: The file; node_exporter wants `.prom` at its end.
        run: What the label `run` says; by default the program's name.
        every: At every how many steps.
        layers: Of how many parameters, those of the largest norms; None for all.

    Raises:
        ConfigurationError: A number is out of range.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        run: str | None = None,
        every: int = 50,
        layers: int | None = 10,
    ) -> None:
        self.path = Path(path)
        self._run = run
        self._choice = Choice(every, layers)

    def open(self, metadata: Metadata) -> None:
        self._choice.names = [p.name for p in metadata.parameters]
        self._run = metadata.program if self._run is None else self._run
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, records: Sequence[StepRecord]) -> None:
        told = [*self._choice.of(records)]
        if told:
            with whole(self.path) as place:
                place.write_text(exposition(told[-1], self._run or ""), encoding="utf-8")

    def close(self, status: Status) -> None:
        """Leave the file: it says what was last."""


def exposition(told: Told, run: str) -> str:
    r"""Return a step in Prometheus' text form.

    Args:
        told: The step.
        run: What the label `run` says.

    Example:
        >>> told = Told(
        ...     step=3,
        ...     time=0.5,
        ...     numbers={"scale": 0.25},
        ...     layers_before={},
        ...     layers_after={},
        ...     norms_before=None,
        ... )
        >>> print(exposition(told, 'my "run"').splitlines()[2])
        gradclip_scale{run="my \"run\""} 0.25
    """
    return "".join(_lines(told, run))


def _lines(told: Told, run: str) -> Iterator[str]:
    label = f'run="{run.translate(_ESCAPES)}"'
    for name, value in {**told.numbers, "step": told.step}.items():
        yield from _heading(name)
        yield f"gradclip_{name}{{{label}}} {_value(value)}\n"
    for name in ("before", "after"):
        layers = getattr(told, f"layers_{name}")
        if layers:
            yield from _heading(f"layer_norm_{name}")
        for layer, norm in layers.items():
            own = f'{label},layer="{layer.translate(_ESCAPES)}"'
            yield f"gradclip_layer_norm_{name}{{{own}}} {_value(norm)}\n"


def _heading(name: str) -> Iterator[str]:
    yield f"# HELP gradclip_{name} {_HELP[name]}\n"
    yield f"# TYPE gradclip_{name} gauge\n"


def _value(value: float) -> str:
    return "NaN" if math.isnan(value) else _SPECIAL.get(value, repr(value))

"""The course of one layer's norm, for the table's rows."""

from gradclip.dashboard.views import finite
from gradclip.errors import ConfigurationError
from gradclip.record.reader import RunReader
from gradclip.record.schema import Json
from gradclip.record.thin import Column


def layer_curve(reader: RunReader, place: int, num_buckets: int) -> dict[str, Json]:
    """Return what is drawn of one layer.

    Args:
        reader: The run; it is not read whole.
        place: The layer's place among the run's parameters.
        num_buckets: How many points a line may have.

    Returns:
        Its name, and by bucket the first step, the least, mean and greatest norm before clipping,
        and the mean after it; null where no norm is finite.

    Raises:
        ConfigurationError: There are fewer layers.
    """
    parameters = reader.metadata.parameters
    if place >= len(parameters):
        msg = f"`place` must be less than the number of layers, {len(parameters)}, got {place}."
        raise ConfigurationError(msg)
    thin = reader.thin(num_buckets)
    if not len(thin.steps):
        return {"name": parameters[place].name, "steps": []}
    before, after = thin.columns["norms_before"], thin.columns["norms_after"]
    return {
        "name": parameters[place].name,
        "steps": thin.steps.tolist(),
        "lastStep": int(thin.last_steps[-1]),
        "low": _points(before.low[:, place]),
        "mean": _points(before.mean[:, place]),
        "high": _points(before.high[:, place]),
        "after": _points(after.mean[:, place]),
    }


def _points(column: Column) -> list[Json]:
    return [finite(value) for value in column.tolist()]

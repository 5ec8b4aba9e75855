"""What the optimizer wrappers of all frameworks share."""

from collections.abc import Callable
from dataclasses import dataclass

from gradclip.core.clippings import CLIPPINGS, Clipping, Gradients, parse_clipping
from gradclip.core.functions import Functions
from gradclip.core.namespace import Array
from gradclip.errors import ConfigurationError

GATE_OP = 1  # tf.compat.v1.train.Optimizer.GATE_OP, the default of `gate_gradients`


@dataclass(frozen=True, slots=True)
class OwnClipping:
    """A user's function from a list of gradients to a list of gradients."""

    function: Callable[[Gradients], Gradients]

    def __call__(
        self, functions: Functions, gradients: Gradients, variables: list[Array]
    ) -> Gradients:
        """Return the function's gradients.

        Raises:
            ConfigurationError: The function returned another number of gradients.
        """
        del functions, variables
        clipped = list(self.function(gradients))
        if len(clipped) != len(gradients):
            msg = (
                f"`clip` must return as many gradients as it gets, got {len(clipped)} for "
                f"{len(gradients)}. Of clip_by_global_norm's result take the list: `[0]`."
            )
            raise ConfigurationError(msg)
        return clipped


def resolve_clip(
    clip: object,
) -> Clipping | None:
    """Return the clipping that the argument `clip` of an optimizer wrapper means.

    Args:
        clip: None; a text such as `"global-norm=15"`; a clipping of `gradclip.core.clippings`;
            or a function from a list of gradients (None in place) to such a list.

    Returns:
        A clipping, or None for none.

    Raises:
        ConfigurationError: It is none of these.

    Example:
        >>> resolve_clip("norm=1")
        Norm(max_norm=1.0)
    """
    if clip is None or isinstance(clip, str):
        return parse_clipping(clip)
    if not callable(clip):
        msg = f"`clip` must be None, a text or a callable, got {clip!r}. Say 'global-norm=1'."
        raise ConfigurationError(msg)
    named = isinstance(clip, tuple(CLIPPINGS.values()))
    return clip if named else OwnClipping(clip)


def reject_tf1_arguments(
    gate_gradients: object, aggregation_method: object, colocate_gradients_with_ops: object
) -> None:
    """Raise unless the arguments that only TensorFlow 1 graphs obey have their defaults.

    Raises:
        ConfigurationError: One of them asks for something that cannot be done.
    """
    given = {
        "gate_gradients": (gate_gradients, GATE_OP),
        "aggregation_method": (aggregation_method, None),
        "colocate_gradients_with_ops": (colocate_gradients_with_ops, False),
    }
    for name, (value, default) in given.items():
        if value != default:
            msg = (
                f"`{name}` has a meaning for tf.compat.v1 optimizers only, got {value!r}. "
                f"Leave it at {default!r}."
            )
            raise ConfigurationError(msg)

"""Gradients that an optimizer accumulates over several batches, clipped once when it steps."""

from typing import Any

import keras


class Accumulation:
    """The accumulators of an optimizer with `gradient_accumulation_steps`.

    Keras has no public names for them: these are the same on all backends since 3.1.

    Args:
        optimizer: The optimizer that holds them.
    """

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer
        self.steps: int = optimizer.gradient_accumulation_steps

    @property
    def complete(self) -> Any:
        """Whether the batch at hand is the last one before a step, a bool tensor ()."""
        count = self._optimizer._iterations + 1  # noqa: SLF001 - see the class
        return keras.ops.equal(count % self.steps, 0)

    def mean(self, gradients: list[Any], scale: Any) -> list[Any]:
        """Return the mean of all batches' gradients, of which these are the last.

        Args:
            gradients: Gradients in the order of the optimizer's variables; None in place.
            scale: What they are to be divided by first; None for nothing.
        """
        pairs = zip(gradients, self._optimizer._accumulated_gradients, strict=True)  # noqa: SLF001
        return [None if g is None else self._mean(g, earlier, scale) for g, earlier in pairs]

    def _mean(self, gradient: Any, earlier: Any, scale: Any) -> Any:
        unscaled = gradient if scale is None else keras.ops.divide(gradient, scale)
        total = keras.ops.add(unscaled, earlier)
        return keras.ops.divide(total, keras.ops.cast(self.steps, total.dtype))

    def clear(self) -> None:
        """Forget the earlier batches' gradients."""
        for accumulator in self._optimizer._accumulated_gradients:  # noqa: SLF001 - see the class
            if accumulator is not None:
                accumulator.assign(keras.ops.zeros(accumulator.shape, accumulator.dtype))

    def start_again(self) -> None:
        """Go back to where these batches began, so that as many make up the next step."""
        self.clear()
        self._optimizer._iterations.assign_sub(self.steps - 1)  # noqa: SLF001 - see the class

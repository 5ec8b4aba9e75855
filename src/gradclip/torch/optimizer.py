"""TensorFlow's two optimizer methods, for every PyTorch optimizer."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from gradclip.core.decide import NonFinite
from gradclip.core.optimizers import GATE_OP, reject_tf1_arguments
from gradclip.core.policies.report import Report
from gradclip.core.wrapping import Wrapper, split
from gradclip.errors import ConfigurationError
from gradclip.torch import in_place
from gradclip.torch.names import NamedParameters
from gradclip.torch.steps import Steps

Loss = Tensor | Callable[[], Tensor]
GradsAndVars = list[tuple[Tensor | None, Tensor]]


class Optimizer(Wrapper):
    """Compute gradients and apply them in two steps, with room for clipping between.

    Args:
        optimizer: Any `torch.optim.Optimizer`. What this class lacks is looked up there.
        clip: What to clip in `apply_gradients`: a policy such as `gradclip.ZClip()`, a text such
            as `"global-norm=15"`, a function from a list of gradients to one, or None.
        nonfinite: What NaN and infinite gradients lead to: `"skip"` drops the step (neither
            parameters nor the optimizer's state change) and counts it in `skipped_steps` and
            `skipped_in_a_row`; `"raise"`, `"zero"` and `"propagate"` as in the functions.
        max_skipped: The number of skipped steps in a row after which to raise; None for never.

    Raises:
        ConfigurationError: `clip` or `nonfinite` is none of these.

    Example:
        >>> import torch, gradclip.torch
        >>> weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
        >>> sgd = gradclip.torch.Optimizer(torch.optim.SGD([weight], lr=1.0), clip="norm=1")
        >>> grads_and_vars = sgd.compute_gradients(lambda: (weight**2).sum() / 2)
        >>> grads_and_vars[0][0]
        tensor([3., 4.])
        >>> sgd.apply_gradients(grads_and_vars)
        1
        >>> weight.data
        tensor([2.4000, 3.2000])

    References:
        `tf.compat.v1.train.Optimizer`.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        clip: object = None,
        nonfinite: NonFinite = "skip",
        max_skipped: int | None = 10,
    ) -> None:
        super().__init__(optimizer)
        self.iterations = 0
        self._steps = Steps(
            optimizer,
            clip,
            NamedParameters(optimizer),
            nonfinite=nonfinite,
            max_skipped=max_skipped,
            write=in_place.replace,
        )
        self._loss: Loss | None = None

    @property
    def report(self) -> Report | None:
        """What the last step came to; None before the first."""
        return self._steps.clipper.report

    @property
    def skipped_steps(self) -> int:
        """The number of skipped steps; on a device this waits."""
        return self._steps.clipper.skipped_steps

    @property
    def skipped_in_a_row(self) -> int:
        """The number of steps skipped since one was applied; on a device this waits."""
        return self._steps.clipper.skipped_in_a_row

    def compute_gradients(
        self,
        loss: Loss,
        var_list: Iterable[Tensor] | None = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: None = None,
        colocate_gradients_with_ops: bool = False,  # noqa: FBT001, FBT002
        grad_loss: Tensor | None = None,
    ) -> GradsAndVars:
        """Return (gradient, variable) for each variable; `.grad` is neither read nor written.

        Args:
            loss: The loss, a tensor () or a callable that returns it.
            var_list: The variables; the optimizer's own parameters by default.
            gate_gradients: TensorFlow 1 only.
            aggregation_method: TensorFlow 1 only.
            colocate_gradients_with_ops: TensorFlow 1 only.
            grad_loss: The gradient of what follows with regard to the loss, in the loss's
                shape; ones by default.

        Returns:
            A list of pairs; the gradient of a variable that the loss does not depend on is None.

        Raises:
            ConfigurationError: A TensorFlow 1 argument is not at its default.
        """
        reject_tf1_arguments(gate_gradients, aggregation_method, colocate_gradients_with_ops)
        variables = self._trainable() if var_list is None else list(var_list)
        self._loss = loss
        with torch.enable_grad():
            value = loss() if callable(loss) else loss
            gradients = torch.autograd.grad(value, variables, grad_loss, allow_unused=True)
        return list(zip(gradients, variables, strict=True))

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Tensor | None, Tensor]],
        global_step: Tensor | None = None,
        name: str | None = None,
    ) -> int:
        """Clip the gradients, let the optimizer take its step, and count it.

        Args:
            grads_and_vars: The pairs that `compute_gradients` returned, clipped or not. The
                optimizer's other parameters take no part in the step.
            global_step: An integer tensor () that is increased by one with every applied step.
            name: Accepted for TensorFlow's sake.

        Returns:
            The number of steps applied so far, also kept in `iterations`.

        Raises:
            ConfigurationError: There is no gradient at all, or a variable is not the optimizer's.
            NonFiniteGradientError: As `nonfinite` and `max_skipped` ask.
        """
        del name
        gradients, variables = split(grads_and_vars)
        self._check_own(variables)
        if not self._step(gradients, variables):
            return self.iterations
        self.iterations += 1
        if global_step is not None:
            with torch.no_grad():
                global_step.add_(1)
        return self.iterations

    def minimize(
        self,
        loss: Loss,
        global_step: Tensor | None = None,
        var_list: Iterable[Tensor] | None = None,
    ) -> int:
        """Compute gradients and apply them; arguments and result as of these two methods."""
        return self.apply_gradients(self.compute_gradients(loss, var_list), global_step)

    def state_dict(self) -> dict[str, Any]:
        """Return the wrapped optimizer's state, the policy's, and the counts of steps."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "iterations": self.iterations,
            "clip": self._steps.state_dict(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.optimizer.load_state_dict(state_dict["optimizer"])
        self.iterations = state_dict["iterations"]
        self._steps.load_state_dict(state_dict["clip"])

    def _trainable(self) -> list[Tensor]:
        """Return the optimizer's parameters that require a gradient."""
        return [p for p in self._parameters() if p.requires_grad]

    def _parameters(self) -> list[Tensor]:
        """Return the optimizer's parameters."""
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    def _check_own(self, variables: list[Tensor]) -> None:
        """Raise unless the variables are the optimizer's parameters."""
        own = {id(p) for p in self._parameters()}
        strangers = [tuple(v.shape) for v in variables if id(v) not in own]
        if strangers:
            msg = (
                f"Variables must be the optimizer's parameters, got others of shapes {strangers}. "
                "Add them with optimizer.add_param_group."
            )
            raise ConfigurationError(msg)

    def _step(self, gradients: in_place.Gradients, variables: list[Tensor]) -> bool:
        """Let the optimizer step on these gradients alone, and give `.grad` back as it was.

        Returns:
            Whether it stepped, as far as the host knows.
        """
        parameters = self._parameters()
        before = [p.grad for p in parameters]
        self._steps.begin()
        try:
            _put(parameters, [None] * len(parameters))
            _put(variables, gradients)
            self._steps.clip()
            if not self._steps.skipped:
                self._take(variables)
            return not self._steps.skipped
        finally:
            self._steps.end()
            _put(parameters, before)

    def _take(self, variables: list[Tensor]) -> None:
        """Let the optimizer step on the clipped gradients."""
        if _needs_closure(self.optimizer):
            self.optimizer.step(self._closure(variables))
        else:
            self.optimizer.step()

    def _closure(self, variables: list[Tensor]) -> Callable[[], float]:
        """Return what optimizers such as LBFGS call to evaluate loss and gradients again."""
        if not callable(self._loss):
            msg = (
                f"{type(self.optimizer).__name__} evaluates the loss several times a step: give "
                "compute_gradients a callable, got a tensor."
            )
            raise ConfigurationError(msg)
        loss = self._loss

        def evaluate() -> float:
            with torch.enable_grad():
                value = loss()
                gradients = torch.autograd.grad(value, variables, allow_unused=True)
            _put(variables, list(gradients))
            return float(value.detach())

        return self._steps.clipping(evaluate)


def _put(parameters: list[Tensor], gradients: in_place.Gradients) -> None:
    """Set `.grad` of each parameter."""
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient


def _needs_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Tell whether the optimizer's step cannot do without a closure."""
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty

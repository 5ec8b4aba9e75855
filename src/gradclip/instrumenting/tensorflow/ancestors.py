"""What operations of a graph run, and what may be read beside them."""

from collections.abc import Iterable
from typing import Any

# Operations with a state that reading them does not change.
_READS = {"ReadVariableOp", "VarHandleOp", "Variable", "VariableV2"}
_FED = {"Placeholder", "PlaceholderV2"}


def ancestors(operations: Iterable[Any]) -> set[Any]:
    """Return operations and all that has to run before them."""
    found: set[Any] = set()
    waiting = list(operations)
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            waiting += [tensor.op for tensor in operation.inputs]
            waiting += operation.control_inputs
    return found


def is_free(tensor: Any, run: set[Any]) -> bool:
    """Tell whether a tensor can be read without a change of what a program does.

    Args:
        tensor: A tensor or a variable of a graph.
        run: What runs anyway.

    Returns:
        False where an input would have to be fed, drawn or taken from a queue for it alone.
    """
    return not any(_acts(operation) for operation in ancestors([tensor.op]) - run)


def reads_alone(tensor: Any, run: set[Any]) -> bool:
    """Tell whether a tensor depends on variables that are not read for anything that runs."""
    return any(operation.type in _READS for operation in ancestors([tensor.op]) - run)


def _acts(operation: Any) -> bool:
    """Tell whether an operation needs to be fed or changes something."""
    if operation.type in _FED:
        return True
    return operation.type not in _READS and bool(operation.op_def.is_stateful)

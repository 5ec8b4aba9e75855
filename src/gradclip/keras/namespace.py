"""The core's verbs on tensors of Keras' current backend."""

import importlib
from typing import Any

import keras

from gradclip.core.namespace import Namespace
from gradclip.errors import MissingFrameworkError

# Each backend's namespace, in the room of the same name.
NAMESPACES = {
    "tensorflow": "TensorFlowNamespace",
    "torch": "TorchNamespace",
    "jax": "JaxNamespace",
    "numpy": "NumpyNamespace",
}


class KerasNamespace:
    """The backend's `Namespace`, which takes Keras' variables and layout too."""

    def __init__(self, backend: Namespace) -> None:
        self._backend = backend

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._backend, verb)

    def tensor(self, t: Any, label: str) -> Any:
        """Return a floating or complex tensor."""
        return self._backend.tensor(plain(t), label)

    def numeric(self, t: Any, label: str) -> Any:
        """Return a tensor whose entries can be compared."""
        return self._backend.numeric(plain(t), label)

    def unit_axes(self, t: Any) -> tuple[int, ...] | None:
        """Return all axes but the last: in Keras it counts the outputs on every backend."""
        rank = len(t.shape)
        return tuple(range(rank - 1)) if rank > 1 else None

    def wide(self, value: Any) -> Any:
        """Return a number or a scalar tensor in wide precision."""
        return self._backend.wide(plain(value))

    def clamp(self, t: Any, low: Any, high: Any) -> Any:
        """Limit each entry to [low, high]."""
        return self._backend.clamp(t, plain(low), plain(high))


def plain(t: Any) -> Any:
    """Return the backend's tensor that a `keras.Variable` holds; anything else as it is."""
    return t.value if isinstance(t, keras.Variable) else t


def keras_namespace(name: str) -> Namespace:
    """Return the namespace for one of Keras' backends.

    Args:
        name: What `keras.backend.backend()` returns.

    Returns:
        The verbs.

    Raises:
        MissingFrameworkError: gradclip does not know the backend.
    """
    if name not in NAMESPACES:
        msg = (
            f"Keras' backend must be one of {', '.join(NAMESPACES)}, got {name!r}. "
            "Set KERAS_BACKEND before Keras is imported."
        )
        raise MissingFrameworkError(msg)
    module = importlib.import_module(f"gradclip.{name}.namespace")
    namespace: Any = KerasNamespace(getattr(module, NAMESPACES[name])())
    verbs: Namespace = namespace
    return verbs

"""A plain tanh RNN over symbols in NumPy, its backward pass by hand."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradclip.record import Parameter

Array = NDArray[np.float32]
Symbols = NDArray[np.int64]
Init = Literal["basic-tanh", "smart-tanh"]

_STDDEVS = {"basic-tanh": 0.1, "smart-tanh": 0.01}  # Pascanu et al., section 4.1.1
_CONNECTIONS = 15  # into each unit of a "smart tanh" network
_RADIUS = 0.95  # the recurrent matrix' spectral radius there
_NEGLIGIBLE = 1e-25  # squares of less are denormal numbers, which take CPUs a hundred times longer
_FLUSHED_EVERY = 8  # steps: looking for them takes time as well


class Weights(NamedTuple):
    """The network's parameters, for V symbols, H hidden units and C outputs."""

    w_in: Array  # (V, H)
    w_rec: Array  # (H, H)
    b_rec: Array  # (H,)
    w_out: Array  # (H, C)
    b_out: Array  # (C,)


class Result(NamedTuple):
    """What a batch came to."""

    loss: float  # the mean cross-entropy, in nats
    accuracy: float  # the share of predictions that were right
    gradients: Weights


def parameters(symbols: int, hidden: int, outputs: int) -> tuple[Parameter, ...]:
    """Return the parameters' names and shapes, in the order of `Weights`.

    Example:
        >>> [p.name for p in parameters(6, 50, 4)]
        ['w_in', 'w_rec', 'b_rec', 'w_out', 'b_out']
    """
    shapes = ((symbols, hidden), (hidden, hidden), (hidden,), (hidden, outputs), (outputs,))
    names = Weights._fields
    return tuple(Parameter(name, shape) for name, shape in zip(names, shapes, strict=True))


def draw_weights(
    rng: np.random.Generator, symbols: int, hidden: int, outputs: int, init: Init = "basic-tanh"
) -> Weights:
    """Draw the weights that training starts from; biases are zero.

    Args:
        rng: What they are drawn from.
        symbols: V.
        hidden: H.
        outputs: C.
        init: `basic-tanh`: normal with stddev 0.1; `smart-tanh`: stddev 0.01, and the recurrent
            matrix has 15 connections into each unit and a spectral radius of 0.95.

    Returns:
        The weights.

    References:
        Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*,
        2013, arXiv:1211.5063, section 4.1.
    """
    stddev, sparse = _STDDEVS[init], init == "smart-tanh"
    return Weights(
        w_in=_normal(rng, stddev, symbols, hidden),
        w_rec=_sparse(rng, hidden) if sparse else _normal(rng, stddev, hidden, hidden),
        b_rec=np.zeros(hidden, np.float32),
        w_out=_normal(rng, stddev, hidden, outputs),
        b_out=np.zeros(outputs, np.float32),
    )


def evaluate(weights: Weights, inputs: Symbols, targets: Symbols) -> tuple[float, float]:
    """Return loss and accuracy of a batch, as `differentiate` does."""
    states = _run(weights, inputs)
    return _judge(_logits(weights, _read_out(states, targets)), targets)[:2]


def differentiate(weights: Weights, inputs: Symbols, targets: Symbols) -> Result:
    """Return loss, accuracy and gradients of a batch.

    Args:
        weights: The parameters.
        inputs: Symbols, (B, L).
        targets: Classes: (B,) after the last symbol, or (B, L) after each.

    Returns:
        The mean over all predictions; gradients as in training without any clipping.
    """
    states = _run(weights, inputs)
    read = _read_out(states, targets)
    loss, accuracy, delta = _judge(_logits(weights, read), targets)
    w_out = np.tensordot(read, delta, (_all_but_last(read), _all_but_last(delta)))
    b_out = delta.reshape(-1, delta.shape[-1]).sum(0)
    w_in, w_rec, b_rec = _through_time(weights, inputs, states, delta @ weights.w_out.T)
    return Result(loss, accuracy, Weights(w_in, w_rec, b_rec, w_out, b_out))


def _run(weights: Weights, inputs: Symbols) -> Array:
    """Return the hidden states (L + 1, B, H), the first one zeros."""
    batch, length = inputs.shape
    drive = weights.w_in[inputs.T] + weights.b_rec
    states = np.zeros((length + 1, batch, len(weights.b_rec)), np.float32)
    for t in range(length):
        np.tanh(drive[t] + states[t] @ weights.w_rec, out=states[t + 1])
    return states


def _read_out(states: Array, targets: Symbols) -> Array:
    """Return the states that predictions are made from, (B, H) or (L, B, H)."""
    return states[-1] if targets.ndim == 1 else states[1:]


def _logits(weights: Weights, read: Array) -> Array:
    logits: Array = read @ weights.w_out + weights.b_out
    return logits


def _judge(logits: Array, targets: Symbols) -> tuple[float, float, Array]:
    """Return loss, accuracy, and the loss' derivative by the logits."""
    classes = targets if targets.ndim == 1 else targets.T
    shifted = logits - logits.max(-1, keepdims=True)
    exponentials = np.exp(shifted)
    shares = exponentials / exponentials.sum(-1, keepdims=True)
    right = np.take_along_axis(shares, classes[..., None], -1)[..., 0]
    loss = float(-np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean())
    accuracy = float((shares.argmax(-1) == classes).mean())
    delta = shares
    np.put_along_axis(delta, classes[..., None], (right - 1)[..., None], -1)
    return loss, accuracy, delta / np.float32(classes.size)


def _through_time(
    weights: Weights, inputs: Symbols, states: Array, incoming: Array
) -> tuple[Array, Array, Array]:
    """Propagate the derivative by the states back to the first step."""
    length = len(states) - 1
    deltas = 1 - states[1:] ** 2
    transposed = np.ascontiguousarray(weights.w_rec.T)
    back = incoming if incoming.ndim == 2 else incoming[-1]  # noqa: PLR2004 - (B, H)
    for t in range(length - 1, -1, -1):
        delta = deltas[t]
        delta *= back
        if t % _FLUSHED_EVERY == 0:
            delta[np.abs(delta) < _NEGLIGIBLE] = 0
        back = delta @ transposed
        if incoming.ndim > 2 and t:  # noqa: PLR2004 - (L, B, H)
            back += incoming[t - 1]
    flat = deltas.reshape(-1, deltas.shape[-1])
    w_in = np.zeros_like(weights.w_in)
    for symbol in range(len(w_in)):
        w_in[symbol] = flat[inputs.T.reshape(-1) == symbol].sum(0)
    w_rec = states[:-1].reshape(flat.shape).T @ flat
    return w_in, w_rec, flat.sum(0)


def _all_but_last(array: Array) -> tuple[int, ...]:
    return tuple(range(array.ndim - 1))


def _normal(rng: np.random.Generator, stddev: float, *shape: int) -> Array:
    return rng.normal(0.0, stddev, shape).astype(np.float32)


def _sparse(rng: np.random.Generator, hidden: int) -> Array:
    """Return a matrix with few connections and a given spectral radius."""
    matrix = np.zeros((hidden, hidden))
    for unit in range(hidden):
        sources = rng.choice(hidden, min(_CONNECTIONS, hidden), replace=False)
        matrix[sources, unit] = rng.normal(size=len(sources))
    radius = np.abs(np.linalg.eigvals(matrix)).max()
    scaled: Array = (matrix * (_RADIUS / radius)).astype(np.float32)
    return scaled

"""Each framework behind one face, eager and compiled."""

import functools
import importlib
import importlib.util

import ml_dtypes
import numpy as np
import pytest


class Framework:
    """NumPy; the base of the others. Arrays go in and come out in their own type."""

    package = "numpy"
    name = "numpy"
    compiled = False
    differentiable = False

    @functools.cached_property
    def functions(self):
        return importlib.import_module(f"gradclip.{self.name}.functional").functions

    def tensor(self, array):
        return array

    def array(self, tensor):
        return np.asarray(tensor)

    def integers(self):
        return self.tensor(np.array([1, 2], np.int32))

    def scalar(self, number):
        """A threshold as this mode takes it: traced where the mode compiles."""
        return number

    def flushed(self, norm):
        """The largest entry that may come out as 0 among entries with this norm."""
        del norm
        return 0.0

    def compile(self, function):
        """Return what calls the function in this mode."""
        return function

    def call(self, name, *args, **kwargs):
        """Call a function on arrays (or lists of them), and return arrays."""
        function = self._function(name, tuple(sorted(kwargs.items())))
        return self._out(function(*[self._in(a) for a in args]))

    @functools.cache  # noqa: B019 - one adapter lives as long as the tests
    def _function(self, name, kwargs):
        return self.compile(functools.partial(getattr(self.functions, name), **dict(kwargs)))

    def _in(self, value):
        if isinstance(value, np.ndarray):
            return self.tensor(value)
        if isinstance(value, list):
            return [self._in(v) for v in value]
        return value

    def _out(self, value):
        if hasattr(value, "_fields"):
            return type(value)(*map(self._out, value))
        if isinstance(value, list | tuple):
            return type(value)(self._out(v) for v in value)
        return None if value is None else self.array(value)


class Torch(Framework):
    package = name = "torch"
    differentiable = True

    @functools.cached_property
    def torch(self):
        return importlib.import_module("torch")

    def tensor(self, array):
        if array.dtype == ml_dtypes.bfloat16:
            shorts = self.torch.from_numpy(np.array(array).view(np.int16))
            return shorts.view(self.torch.bfloat16)
        return self.torch.from_numpy(np.array(array))

    def array(self, tensor):
        tensor = tensor.detach()
        if tensor.dtype == self.torch.bfloat16:
            return tensor.view(self.torch.int16).numpy().view(ml_dtypes.bfloat16)
        return tensor.numpy()

    def gradient(self, function, array):
        x = self.tensor(array).requires_grad_()
        function(self.functions, x).sum().backward()
        return self.array(x.grad)


class CompiledTorch(Torch):
    compiled = True

    @functools.cached_property
    def torch(self):
        torch = importlib.import_module("torch")
        torch._dynamo.config.recompile_limit = 1000  # one for each function, type and shape
        return torch

    def scalar(self, number):
        return self.torch.tensor(number, dtype=self.torch.float64)

    def compile(self, function):
        return self.torch.compile(function, backend="aot_eager", fullgraph=True, dynamic=False)


class TensorFlow(Framework):
    package = name = "tensorflow"
    differentiable = True

    @functools.cached_property
    def tf(self):
        return importlib.import_module("tensorflow")

    def tensor(self, array):
        return self.tf.constant(array)

    def array(self, tensor):
        return tensor.numpy()

    def flushed(self, norm):
        # Its kernels take denormal numbers for 0; gradclip saves them where they could matter.
        return 2.0**-126 if norm > 2.0**-49 else 0.0

    def gradient(self, function, array):
        x = self.tensor(array)
        with self.tf.GradientTape() as tape:
            tape.watch(x)
            total = self.tf.reduce_sum(function(self.functions, x))
        return self.array(tape.gradient(total, x))


class GraphTensorFlow(TensorFlow):
    compiled = True
    jit_compile = False

    def scalar(self, number):
        return self.tf.constant(number, self.tf.float64)

    def compile(self, function):
        return self.tf.function(function, jit_compile=self.jit_compile)


class XlaTensorFlow(GraphTensorFlow):
    jit_compile = True


class Jax(Framework):
    package = name = "jax"
    differentiable = True

    @functools.cached_property
    def jax(self):
        return importlib.import_module("jax")

    def tensor(self, array):
        # float64 arrays exist only where the user has switched them on.
        with self.jax.enable_x64(array.dtype == np.float64):
            return self.jax.numpy.asarray(array)

    def call(self, name, *args, **kwargs):
        with self.jax.enable_x64(self._double(args)):
            return super().call(name, *args, **kwargs)

    def gradient(self, function, array):
        def total(x):
            return function(self.functions, x).sum()

        return self.array(self.jax.grad(total)(self.tensor(array)))

    def _double(self, args):
        arrays = [a for arg in args for a in (arg if isinstance(arg, list) else [arg])]
        return any(isinstance(a, np.ndarray) and a.dtype == np.float64 for a in arrays)


class JitJax(Jax):
    compiled = True

    def scalar(self, number):
        return np.float64(number)  # traced as float32 unless the call switches float64 on

    def compile(self, function):
        return self.jax.jit(function)


class Keras(TensorFlow):
    """On TensorFlow, its default backend; tests/keras runs the other backends."""

    package = name = "keras"

    @functools.cached_property
    def keras(self):
        return importlib.import_module("keras")

    def tensor(self, array):
        return self.keras.ops.convert_to_tensor(array)


MODES = {
    "numpy": Framework(),
    "torch": Torch(),
    "torch-compiled": CompiledTorch(),
    "tensorflow": TensorFlow(),
    "tensorflow-graph": GraphTensorFlow(),
    "tensorflow-xla": XlaTensorFlow(),
    "jax": Jax(),
    "jax-jit": JitJax(),
    "keras": Keras(),
}


_SLOW_COMPILERS = {"torch-compiled", "tensorflow-xla"}  # seconds for each shape


def parameters(**required):
    """The modes as pytest parameters, marked by framework, skipped where it is not installed."""
    return [
        pytest.param(mode, id=key, marks=_marks(mode, long=key in _SLOW_COMPILERS))
        for key, mode in MODES.items()
        if all(getattr(mode, name) == value for name, value in required.items())
    ]


def _marks(mode, *, long):
    missing = importlib.util.find_spec(mode.package) is None
    marks = [] if mode.name == "numpy" else [getattr(pytest.mark, mode.name)]
    marks += [pytest.mark.long] * long
    return [*marks, pytest.mark.skipif(missing, reason=f"{mode.package} is not installed")]


__all__ = ["MODES", "Framework", "parameters"]

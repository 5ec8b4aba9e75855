"""One policy, the same decisions: every framework, eager and compiled, against plain floats."""

import functools
import importlib
import importlib.util
import os

import numpy as np
import pytest
from tests.conformance import recorded
from tests.conformance.recorded import NAMES, POLICIES, STEPS, WEIGHTS

from gradclip.core.arithmetic import map_state
from gradclip.core.policies.run import init, update
from gradclip.numpy.namespace import NumpyNamespace

TOLERANCE = 1e-6
# TensorFlow and JAX take 10 ms for an eager decision. By default they take over the state of the
# run at these steps and go on for a few; with HYPOTHESIS_PROFILE=explore they run all 10,000.
PLACES = (0, 20, 95, 1500, 2000, 2098, 3000, 3999, 5000, 6998)
STRETCH = 6
if os.environ.get("HYPOTHESIS_PROFILE") == "explore":
    PLACES, STRETCH = (0,), STEPS


def decide_all(states, gradients, *, weights, xp):
    """Let every policy decide on the gradients of one step."""
    decisions, following = [], []
    for policy, state in zip(POLICIES.values(), states, strict=True):
        outcome = update(
            policy, gradients, state, weights=weights, names=NAMES, nonfinite="skip", xp=xp
        )
        report = outcome.report
        decisions.append((report.scale, outcome.skipped, report.parts_after))
        following.append(outcome.state)
    return tuple(following), decisions


def first_states(weights, xp):
    return tuple(init(policy, list(weights), NAMES, xp) for policy in POLICIES.values())


def gradients_at(step):
    return [tensor[step] for tensor in recorded.gradients()]


@functools.cache
def numpy_run():
    """The decisions of all policies in NumPy, and the states before some of the steps."""
    xp = NumpyNamespace()
    states, found, kept = first_states(WEIGHTS, xp), [], {}
    for step in range(STEPS):
        if step in PLACES:
            kept[step] = states
        states, decisions = decide_all(states, gradients_at(step), weights=list(WEIGHTS), xp=xp)
        found.append(decisions)
    return found, kept


class Eager:
    """Decide step by step, on states that NumPy's run had in some places."""

    room, suffix = "torch", "Torch"

    @property
    def xp(self):
        module = importlib.import_module(f"gradclip.{self.room}.namespace")
        return getattr(module, f"{self.suffix}Namespace")()

    def tensor(self, array):
        return importlib.import_module("torch").from_numpy(np.array(array))

    def run(self):
        kept = numpy_run()[1]
        weights = [self.tensor(w) for w in WEIGHTS]
        steps, found = [], []
        for place in PLACES:
            states = map_state(self.entry, kept[place])
            for step in range(place, min(place + STRETCH, STEPS)):
                gradients = [self.tensor(g) for g in gradients_at(step)]
                states, decisions = decide_all(states, gradients, weights=weights, xp=self.xp)
                steps.append(step)
                found.append(decisions)
        return steps, found

    def entry(self, value):
        return self.tensor(np.asarray(value, np.float32))


class EagerTorch(Eager):
    def entry(self, value):
        return value if isinstance(value, float | list) else super().entry(value)


class EagerTensorFlow(Eager):
    room, suffix = "tensorflow", "TensorFlow"

    def tensor(self, array):
        return importlib.import_module("tensorflow").constant(array)


class EagerKeras(EagerTensorFlow):
    @property
    def xp(self):
        return importlib.import_module("gradclip.keras.namespace").keras_namespace("tensorflow")


class EagerJax(Eager):
    room, suffix = "jax", "Jax"

    def tensor(self, array):
        return importlib.import_module("jax.numpy").asarray(array)


class Numpy:
    def run(self):
        return range(STEPS), numpy_run()[0]


class CompiledTorch(Eager):
    """One compiled step, called for each."""

    def run(self):
        torch = importlib.import_module("torch")
        # Inductor would load Triton where it is installed, which TensorFlow does not bear.
        backend = "aot_eager" if importlib.util.find_spec("triton") else "inductor"
        xp, weights = self.xp, [self.tensor(w) for w in WEIGHTS]
        torch._dynamo.reset()  # other tests' programs of the same wrapper would count as recompiled
        step_once = torch.compile(
            functools.partial(decide_all, xp=xp), backend=backend, fullgraph=True, dynamic=False
        )
        states = map_state(self.entry, first_states(weights, xp))
        found = []
        with torch.no_grad(), torch._dynamo.config.patch(error_on_recompile=True):
            for step in range(STEPS):
                gradients = [self.tensor(g) for g in gradients_at(step)]
                states, decisions = step_once(states, gradients, weights=weights)
                found.append(decisions)
        return range(STEPS), found


class GraphTensorFlow(EagerTensorFlow):
    """All steps in one loop of one graph."""

    jit_compile = False

    def run(self):
        tf = importlib.import_module("tensorflow")
        xp, weights = self.xp, [self.tensor(w) for w in WEIGHTS]
        rows = [self.tensor(tensor) for tensor in recorded.gradients()]

        def body(step, states, *columns):
            gradients = [row[step] for row in rows]
            states, decisions = decide_all(states, gradients, weights=weights, xp=xp)
            stacked = [
                tf.stack([tf.convert_to_tensor(x) for x in each]) for each in columns_of(decisions)
            ]
            put = tf.tensor_scatter_nd_update
            return (
                step + 1,
                states,
                *(put(c, [[step]], [x]) for c, x in zip(columns, stacked, strict=True)),
            )

        @tf.function(autograph=False, jit_compile=self.jit_compile)
        def all_steps(states):
            blank = (STEPS, len(POLICIES))
            columns = [tf.zeros(blank), tf.zeros(blank, tf.bool), tf.zeros((*blank, len(NAMES)))]
            loop = (tf.constant(0), states, *columns)
            return tf.while_loop(lambda step, *_: step < STEPS, body, loop)[2:]

        columns = [c.numpy() for c in all_steps(first_states(weights, xp))]
        return range(STEPS), rows_of(columns)


class XlaTensorFlow(GraphTensorFlow):
    jit_compile = True


class JitJax(EagerJax):
    """All steps in one scan."""

    def run(self):
        jax = importlib.import_module("jax")
        xp, weights = self.xp, [self.tensor(w) for w in WEIGHTS]

        def body(states, gradients):
            states, decisions = decide_all(states, list(gradients), weights=weights, xp=xp)
            return states, tuple(jax.numpy.stack(each) for each in columns_of(decisions))

        rows = tuple(self.tensor(tensor) for tensor in recorded.gradients())
        scan = jax.jit(functools.partial(jax.lax.scan, body))
        columns = scan(first_states(weights, xp), rows)[1]
        return range(STEPS), rows_of([np.asarray(c) for c in columns])


class JitKeras(JitJax):
    """All steps in one scan, on Keras' JAX backend."""

    @property
    def xp(self):
        return importlib.import_module("gradclip.keras.namespace").keras_namespace("jax")


def columns_of(decisions):
    """Scales, skips and parts of all policies, out of the policies' triples."""
    return [list(each) for each in zip(*decisions, strict=True)]


def rows_of(columns):
    return [list(zip(*row, strict=True)) for row in zip(*columns, strict=True)]


MODES = {
    "numpy": Numpy(),
    "torch": EagerTorch(),
    "torch-compiled": CompiledTorch(),
    "tensorflow": EagerTensorFlow(),
    "tensorflow-graph": GraphTensorFlow(),
    "tensorflow-xla": XlaTensorFlow(),
    "jax": EagerJax(),
    "jax-jit": JitJax(),
    "keras": EagerKeras(),
    "keras-jit": JitKeras(),
}


def modes():
    for name, mode in MODES.items():
        packages = {name.partition("-")[0], getattr(mode, "room", "numpy")}
        missing = [p for p in packages if importlib.util.find_spec(p) is None]
        marks = [getattr(pytest.mark, p) for p in sorted(packages - {"numpy"})]
        skip = pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")
        yield pytest.param(mode, id=name, marks=[*marks, skip])


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # Inductor's own
@pytest.mark.parametrize("mode", list(modes()))
def test_ten_thousand_steps_are_decided_as_floats_decide_them(mode):
    steps, found = mode.run()
    worst = {}
    for k, name in enumerate(POLICIES):
        wanted = recorded.reference(name)
        scale, skipped, parts = (np.array([row[k][what] for row in found]) for what in range(3))
        assert np.array_equal(skipped, wanted.skipped[list(steps)]), name
        gaps = (
            np.abs(scale - wanted.scale[list(steps)]),
            np.abs(recorded.shares(parts, list(steps)) - wanted.parts[list(steps)]),
        )
        worst[name] = max(float(gap.max()) for gap in gaps)
    assert max(worst.values()) <= TOLERANCE, worst


@pytest.mark.parametrize("name", POLICIES)
def test_the_recorded_steps_make_each_policy_decide_in_every_way(name):
    decisions = recorded.reference(name)
    kept = ~decisions.skipped
    assert 50 < decisions.skipped.sum() < STEPS / 2
    assert np.any(decisions.scale[kept] == 1.0)
    assert (
        np.any(decisions.scale[kept] < 1.0)
        or POLICIES[name] == POLICIES["z-score of layers that drops"]
    )
    assert np.all((decisions.scale >= 0) & (decisions.scale <= 1))

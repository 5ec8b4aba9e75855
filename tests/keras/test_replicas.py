"""Two replicas of a model on two logical devices, in a process of their own."""

import importlib.util
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.keras, pytest.mark.tensorflow, pytest.mark.long]
PROGRAM = """
import keras, numpy as np, tensorflow as tf
from tests.keras.models import bad, close, compiled, fit, same, values
import gradclip
from gradclip.keras import ClippedOptimizer

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
OPTIMIZERS = keras.optimizers
MAKERS = {
    "plain": lambda p: ClippedOptimizer(OPTIMIZERS.Adam(0.05), p),
    "outside": lambda p: OPTIMIZERS.LossScaleOptimizer(
        ClippedOptimizer(OPTIMIZERS.Adam(0.05), p), initial_scale=64.0),
    "inside": lambda p: ClippedOptimizer(
        OPTIMIZERS.LossScaleOptimizer(OPTIMIZERS.Adam(0.05), initial_scale=64.0), p),
}
for name, make in MAKERS.items():
    policy = gradclip.Chain(gradclip.GlobalNorm(0.5), gradclip.SPAM(reset_every=3))
    alone = fit(compiled(make(policy)))
    with mirrored.scope():
        network = compiled(make(policy), jit_compile=False)
    fit(network)
    print(name, close(network, alone))

with mirrored.scope():
    network = compiled(ClippedOptimizer(OPTIMIZERS.Adam(0.05), "zclip"), jit_compile=False)
optimizer = fit(network).optimizer
held = [*network.trainable_variables, *optimizer.inner_optimizer.variables]
for row in (1, 6):  # on the one replica, and on the other
    inputs = bad(8)[:8]
    inputs[[1, row]] = inputs[[row, 1]]
    before = values(held)
    fit(network, inputs, epochs=1)
    print("row", row, same(before, values(held)), optimizer.skipped_steps)
fit(network, epochs=1)
kernels = network.trainable_variables[0].value.values
print("goes on", int(optimizer.iterations.numpy()), same(values(kernels[:1]), values(kernels[1:])))
"""


def test_replicas_are_clipped_by_the_sum_of_their_gradients():
    for package in ("keras", "tensorflow"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.splitlines() == [
        "plain True",
        "outside True",
        "inside True",
        "row 1 True 1",
        "row 6 True 2",
        "goes on 12 True",
    ]

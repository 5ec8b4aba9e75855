"""Two models that one `train_step` trains with two optimizers, as a GAN's are."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras_by_hand import Network, norm

RATE = 0.02


def network(name):
    return keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(1)], name=name
    )


class Both(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = network("first"), network("second")

    def compile(self, first, second, **options):
        super().compile(**options)
        self.first_optimizer, self.second_optimizer = first, second

    def train_step(self, data):
        x, y = data
        for model, optimizer in (
            (self.first, self.first_optimizer),
            (self.second, self.second_optimizer),
        ):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return {"loss": loss}


keras.utils.set_random_seed(0)
model = Both()
eager = bool(os.environ.get("RUN_EAGERLY"))
model.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), run_eagerly=eager)
rng = np.random.default_rng(0)
x = rng.normal(size=(96, 8)).astype("float32")
y = 5 * x[:, :1]
if os.environ.get("SHOW"):
    networks = [Network(part.get_weights()) for part in (model.first, model.second)]
    for i in range(0, 96, 16):
        found = [part.gradients(x[i : i + 16], y[i : i + 16]) for part in networks]
        together = norm([g for _, gradients in found for g in gradients])
        print("step", sum(loss for loss, _ in found), together, together)
        for part, (_, gradients) in zip(networks, found, strict=True):
            part.step(gradients, RATE)
model.fit(x, y, batch_size=16, shuffle=False, verbose=0)
print("final", float(sum(np.abs(w).sum(dtype=np.float64) for w in model.get_weights())).hex())

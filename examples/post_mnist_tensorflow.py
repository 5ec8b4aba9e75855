"""Train a three-layer network on MNIST and print each gradient's norm before and after clipping.

The first post's program for today's TensorFlow: hand-made variables, a gradient tape, and one
line of clipping. It runs with `pip install "gradclip[tensorflow]"`.
"""

import argparse
from itertools import pairwise

import numpy as np
import tensorflow as tf

import gradclip.tensorflow
from gradclip.experiments.data import load_mnist

NAMES = ("w1", "b1", "w2", "b2", "w3", "b3")


def make_variables(seed):
    """Return the weights and biases of 784-256-128-10."""
    widths = (784, 256, 128, 10)
    variables = []
    for layer, (wide, narrow) in enumerate(pairwise(widths)):
        weights = tf.random.stateless_truncated_normal(
            [wide, narrow], seed=(seed, layer), stddev=0.1
        )
        variables += [tf.Variable(weights), tf.Variable(tf.zeros([narrow]))]
    return variables


def batches(data, *, epochs, batch_size, seed):
    """Yield batches of images, (B, 784), and one-hot classes, (B, 10)."""
    generator = np.random.default_rng(seed)
    for _ in range(epochs):
        order = generator.permutation(len(data.train_labels))
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            images = tf.constant(data.train_images[chosen], tf.float32) / 50.0
            yield images, tf.one_hot(data.train_labels[chosen], 10)


def predict(variables, images):
    """Return the network's ten outputs for each image."""
    w1, b1, w2, b2, w3, b3 = variables
    hidden = tf.nn.relu(images @ w1 + b1)
    hidden = tf.nn.relu(hidden @ w2 + b2)
    return hidden @ w3 + b3


def norms(gradients):
    """Return the norm of each gradient as text."""
    pairs = zip(NAMES, gradients, strict=True)
    return "  ".join(f"{name} {tf.norm(gradient).numpy():8.4f}" for name, gradient in pairs)


def main():
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, help="stop after so many batches")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    data = load_mnist()
    variables = make_variables(options.seed)
    optimizer = tf.keras.optimizers.SGD(learning_rate=0.01)
    stream = batches(data, epochs=options.epochs, batch_size=128, seed=options.seed)

    for step, (images, targets) in enumerate(stream):
        if step == options.steps:
            break
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(targets - predict(variables, images)))
        gradients = tape.gradient(loss, variables)
        clipped, norm = gradclip.tensorflow.clip_by_global_norm(gradients, 15)
        optimizer.apply_gradients(zip(clipped, variables, strict=True))
        if step % 100 == 0:
            print(f"step {step}  loss {loss.numpy():.4f}  global norm {norm.numpy():.4f}")
            print(f"  before  {norms(gradients)}")
            print(f"  after   {norms(clipped)}")

    outputs = predict(variables, tf.constant(data.test_images, tf.float32) / 50.0)
    right = np.argmax(outputs.numpy(), axis=1) == data.test_labels
    print(f"test accuracy {right.mean():.4f}")


if __name__ == "__main__":
    main()

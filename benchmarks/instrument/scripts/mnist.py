"""MNIST's training images as the scripts beside it take them: batches of 64, from the checkout."""

import gzip
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[3] / "datasets" / "mnist"
BATCH = 64


def batches(count):
    """Return so many batches of images, (64, 784) in [0, 1], and labels, (64,)."""
    images = _read("train-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(np.float32) / 255
    labels = _read("train-labels-idx1-ubyte.gz", 8).astype(np.int64)
    places = np.arange(count) * BATCH % (len(images) - BATCH)
    return [(images[i : i + BATCH], labels[i : i + BATCH]) for i in places.tolist()]


def _read(name, head):
    return np.frombuffer(gzip.decompress((FOLDER / name).read_bytes()), np.uint8)[head:]

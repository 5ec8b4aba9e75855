"""The MNIST images and labels, from the nearest place that has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pooch

import gradclip
from gradclip.errors import DataError
from gradclip.experiments.download import MIRRORS, TIMEOUT_SECONDS, download
from gradclip.experiments.idx import Bytes, IdxFile, read_idx

NUM_CLASSES = 10
FILES = (
    IdxFile(
        "train-images-idx3-ubyte",
        (60000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    IdxFile(
        "train-labels-idx1-ubyte",
        (60000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    IdxFile(
        "t10k-images-idx3-ubyte",
        (10000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    IdxFile(
        "t10k-labels-idx1-ubyte",
        (10000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
CHECKOUT = Path(gradclip.__file__).resolve().parents[2] / "datasets" / "mnist"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """Images and labels for training and testing.

    Attributes:
        train_images: Gray levels, (N, 784), uint8.
        train_labels: Classes, (N,), uint8.
        test_images: Gray levels, (M, 784), uint8.
        test_labels: Classes, (M,), uint8.
    """

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes


def load_mnist(
    data_dir: str | Path | None = None,
    *,
    cache_dir: Path | None = None,
    mirrors: Sequence[str] = MIRRORS,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Dataset:
    """Load MNIST from a directory, the checkout, the cache, or a mirror, whichever has it first.

    Args:
        data_dir: A directory with the four files, compressed or not. None to search the
            checkout's `datasets/mnist`, then the cache; what the cache lacks is downloaded there.
        cache_dir: The cache; None for the user's own.
        mirrors: Addresses to download from, in turn.
        timeout_seconds: How long a mirror may stay silent.

    Returns:
        The images and labels.

    Raises:
        DataError: A file is missing, truncated, foreign or another one; it says which, and what
            to do.

    Example:
        >>> load_mnist("/nowhere")
        Traceback (most recent call last):
        ...
        gradclip.errors.DataError: /nowhere lacks train-images-idx3-ubyte.gz. ...
    """
    if data_dir is not None:
        paths = [_present(Path(data_dir), file) for file in FILES]
    elif any(find(CHECKOUT, file) for file in FILES):
        paths = [_present(CHECKOUT, file) for file in FILES]
    else:
        cache = cache_dir or pooch.os_cache("gradclip") / "mnist"
        paths = [
            find(cache, file)
            or download(file, cache, mirrors=mirrors, timeout_seconds=timeout_seconds)
            for file in FILES
        ]
    arrays = [read_idx(path, file) for path, file in zip(paths, FILES, strict=True)]
    train_images, train_labels, test_images, test_labels = arrays
    return Dataset(
        train_images=train_images.reshape(len(train_images), -1),
        train_labels=train_labels,
        test_images=test_images.reshape(len(test_images), -1),
        test_labels=test_labels,
    )


def find(directory: Path, file: IdxFile) -> Path | None:
    """Return where a file lies in a directory, compressed or not; None if it is not there."""
    for name in (f"{file.name}.gz", file.name):
        if (directory / name).is_file():
            return directory / name
    return None


def _present(directory: Path, file: IdxFile) -> Path:
    """Return where a file lies.

    Raises:
        DataError: It is not there.
    """
    path = find(directory, file)
    if path is None:
        names = ", ".join(f"{each.name}.gz" for each in FILES)
        msg = (
            f"{directory} lacks {file.name}.gz. It must hold the four MNIST files ({names}); "
            "leave the directory out to have them found or downloaded."
        )
        raise DataError(msg)
    return path

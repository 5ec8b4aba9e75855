"""Every run's surroundings, followed or not: seeds, where the program sets none, and local data."""

import contextlib
import os

import wrapt

if os.environ.get("PROGRAMS_SEED"):

    @wrapt.when_imported("torch")
    def _seed_torch(torch):
        torch.manual_seed(0)

    @wrapt.when_imported("numpy")
    def _seed_numpy(numpy):
        numpy.random.seed(0)

    @wrapt.when_imported("tensorflow")
    def _seed_tensorflow(tensorflow):
        tensorflow.random.set_seed(0)

    @wrapt.when_imported("keras")
    def _seed_keras(keras):
        with contextlib.suppress(AttributeError):  # of another module of that name
            keras.utils.set_random_seed(0)


@wrapt.when_imported("keras.src.utils.file_utils")
def _take_the_local_mnist(file_utils):
    """Keep Keras from fetching its mnist.npz, since the one made here has another hash."""
    file_utils.validate_file = lambda *_, **__: True

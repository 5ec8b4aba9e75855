"""Triton's interpreter, or a GPU: `make test-triton` runs these in an environment of their own."""

from importlib.util import find_spec

import numpy as np
import pytest

# Beside TensorFlow the import of Triton ends the process: both register LLVM's options.
_ALONE = find_spec("triton") is not None and find_spec("tensorflow") is None
collect_ignore_glob = [] if _ALONE else ["*.py"]
np.seterr(all="ignore")  # the interpreter calculates with NumPy: inf and NaN are meant


@pytest.fixture(scope="session")
def device():
    """Where the kernels run: on a GPU if they are compiled, else interpreted on the CPU."""
    import torch  # noqa: PLC0415 - not where all of this is left out

    from gradclip.kernels import cuda  # noqa: PLC0415

    if cuda.interpreted():
        return torch.device("cpu")
    if not (cuda.available() and torch.cuda.is_available()):
        pytest.skip("needs TRITON_INTERPRET=1 or a GPU")
    return torch.device("cuda")

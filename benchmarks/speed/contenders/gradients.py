"""Parameters of PyTorch whose gradients are written anew before each turn."""

import numpy as np
import torch

from benchmarks.speed.contenders.case import Case


class Gradients:
    """Parameters with gradients that all contenders share.

    Attributes:
        parameters: The parameters.
        module: What holds them.
        list: Their gradients.
        limit: The threshold.
        largest: The threshold of the largest modulus.
    """

    def __init__(self, case: Case) -> None:
        self.parameters = [torch.nn.Parameter(torch.zeros(shape)) for shape in case.shapes]
        self.module = torch.nn.ParameterList(self.parameters)
        self._arrays = case.arrays()
        self.list = [torch.from_numpy(array) for array in self._arrays]
        for parameter, gradient in zip(self.parameters, self.list, strict=True):
            parameter.grad = gradient
        self.limit = case.limit
        self.largest = 0.5 * float(np.abs(case.entries).max()) if case.clips else 1e9
        self._case = case

    def restore(self) -> None:
        """Write the gradients, on one thread, as `backward` leaves them before they are clipped."""
        start = 0
        for array in self._arrays:
            stop = start + array.size
            np.copyto(array, self._case.entries[start:stop].reshape(array.shape))
            start = stop

"""gradclip on NumPy arrays; NumPy has no clipping of its own."""

import gradclip.numpy
from benchmarks.edge_cases.cases import Arrays
from benchmarks.edge_cases.oracle import Array
from benchmarks.edge_cases.subject import Outcome, Subject


class NumPy(Subject):
    """`gradclip.numpy`."""

    def clip(self, arrays: Arrays, limit: float) -> Outcome:
        clipped, norm = gradclip.numpy.clip_by_global_norm(arrays, limit)
        return Outcome(float(norm), clipped)

    def clip_one(self, array: Array, limit: float) -> Outcome:
        return Outcome(None, [gradclip.numpy.clip_by_norm(array, limit)])


SUBJECTS = {"gradclip numpy eager": NumPy}

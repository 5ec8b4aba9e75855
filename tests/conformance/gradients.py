"""Lists of gradients of every type and scale, drawn by hypothesis."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from tests.conformance import oracle

# A few fixed lists of shapes, so that what is compiled is compiled once.
SHAPES = [[(1,)], [(3,), (2, 2)], [(), (4, 3), None, (0, 2), (7,)], [(33, 17)]]
# The powers of ten that entries are multiplied by: as far as the norm stays representable.
SCALES = {"float16": (-7, 3), "bfloat16": (-38, 36), "float32": (-38, 36), "float64": (-38, 36)}


@st.composite
def gradient_lists(draw, dtypes=tuple(oracle.TYPES)):
    """A list of arrays of one type and scale, None in places."""
    dtype = draw(st.sampled_from(dtypes))
    scale = 10.0 ** draw(st.integers(*SCALES[dtype]))
    shapes = draw(st.sampled_from(SHAPES))
    entries = st.floats(-10, 10, width=32) | st.sampled_from([0.0, 1.0, -1.0, 0.1])
    return [
        None
        if shape is None
        else np.asarray(draw(nps.arrays(np.float64, shape, elements=entries)) * scale).astype(
            oracle.TYPES[dtype]
        )
        for shape in shapes
    ]


def type_of(gradients):
    return next(g for g in gradients if g is not None).dtype.name


def present(gradients):
    return [g for g in gradients if g is not None]

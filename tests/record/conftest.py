"""A small run of two parameters."""

import pytest

from gradclip.record import Metadata, Parameter


@pytest.fixture
def metadata():
    return Metadata(
        program="gradclip demo",
        arguments={"steps": 2},
        framework="numpy",
        framework_version="2.4",
        gradclip="0.1.0",
        python="3.11.7",
        parameters=(Parameter("w1", (2, 3)), Parameter("b1", (3,))),
        policy="global-norm=1.0",
        seed=0,
    )

"""What tests of programs of Keras' have in common."""

import pytest


@pytest.fixture
def given(monkeypatch):
    """What sets the variables of this process, which those below have too."""

    def give(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return give

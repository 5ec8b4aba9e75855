"""Tests of Ctrl-C between two steps."""

import signal

import pytest

from gradclip.cli.interruption import Interruption


def test_the_first_ctrl_c_is_noted():
    with Interruption() as interruption:
        assert not interruption.requested
        signal.raise_signal(signal.SIGINT)
        assert interruption.requested


def test_the_second_ctrl_c_interrupts():
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert interruption.requested


def test_the_handler_before_comes_back():
    before = signal.getsignal(signal.SIGINT)
    with Interruption():
        pass
    assert signal.getsignal(signal.SIGINT) is before

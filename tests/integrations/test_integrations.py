"""The trainers' modules load when they are asked for, and say what they need."""

import subprocess
import sys

import pytest

import gradclip.integrations

pytestmark = [pytest.mark.torch, pytest.mark.trainers]


def test_the_room_itself_loads_no_trainer():
    program = (
        "import sys, gradclip; gradclip.integrations;"
        "assert not {'lightning', 'transformers', 'accelerate', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_unknown_trainer_is_an_attribute_error():
    with pytest.raises(AttributeError, match="fastai"):
        _ = gradclip.integrations.fastai

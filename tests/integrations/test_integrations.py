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


@pytest.mark.parametrize("name", ["accelerate", "lightning", "transformers"])
def test_a_missing_trainer_is_named(name):
    program = f"""
import sys
import gradclip
sys.modules[{name!r}] = None  # as if it were not installed
sys.modules["pytorch_lightning"] = None
try:
    gradclip.integrations.{name}
except gradclip.MissingFrameworkError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout == f"gradclip.integrations.{name} needs {name}: pip install {name}\n"


def test_an_unknown_trainer_is_an_attribute_error():
    with pytest.raises(AttributeError, match="fastai"):
        _ = gradclip.integrations.fastai

"""Train a small GPT-2 with the Hugging Face Trainer, its gradients clipped by a policy.

Besides the callback one argument changes: `max_grad_norm=0` switches off the Trainer's own
clipping, which is on by default. It runs with `pip install "gradclip[torch]" transformers
accelerate`; nothing is downloaded.
"""

import pydoc_data.topics
import tempfile

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

from gradclip import AutoClip
from gradclip.integrations.transformers import GradientClipping

LENGTH = 32


def sequences():
    """Return pieces of Python's own documentation, byte by byte."""
    text = pydoc_data.topics.topics["assignment"].encode()
    pieces = (text[i : i + LENGTH] for i in range(0, len(text) - LENGTH, LENGTH))
    tokens = [torch.tensor(list(piece)) for piece in pieces]
    return [{"input_ids": piece, "labels": piece} for piece in tokens]


def main():
    set_seed(0)
    size = {"n_positions": LENGTH, "n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": 256}
    model = GPT2LMHeadModel(GPT2Config(**size, bos_token_id=None, eos_token_id=None))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            max_steps=30,
            per_device_train_batch_size=8,
            learning_rate=1e-3,
            max_grad_norm=0,
            logging_steps=10,
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
        )
        clipping = GradientClipping(AutoClip())
        trainer = Trainer(model, arguments, train_dataset=sequences(), callbacks=[clipping])
        trainer.train()
    print(clipping.report)


if __name__ == "__main__":
    main()

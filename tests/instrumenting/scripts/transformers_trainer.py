"""Hugging Face's Trainer on a tiny GPT-2, which clips at `max_grad_norm`."""

import os
import tempfile

import torch
from huggingface_shown import shown
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    Trainer,
    TrainingArguments,
    set_seed,
)

SHOW = os.environ.get("SHOW")
MAX_NORM = float(os.environ.get("MAX_NORM", "0.5"))


def main():
    set_seed(0)
    config = GPT2Config(
        vocab_size=64,
        n_positions=32,
        n_embd=32,
        n_layer=2,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = GPT2LMHeadModel(config)
    ids = torch.randint(0, 64, (64, 32), generator=torch.Generator().manual_seed(1))
    data = [{"input_ids": row, "labels": row} for row in ids]
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            per_device_train_batch_size=8,
            max_steps=8,
            learning_rate=1e-3,
            max_grad_norm=MAX_NORM,
            logging_steps=1,
            report_to=[],
            disable_tqdm=True,
            save_strategy="no",
            use_cpu=True,
        )
        trainer = (shown(Trainer) if SHOW else Trainer)(model, arguments, train_dataset=data)
        trainer.train()
    model.eval()
    with torch.no_grad():
        print("final", model(input_ids=ids, labels=ids).loss.item().hex())


main()

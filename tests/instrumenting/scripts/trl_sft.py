"""TRL's SFTTrainer on a tiny Llama and a tokenizer made on the spot."""

import os
import tempfile

import torch
from datasets import Dataset
from huggingface_shown import shown
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    set_seed,
)
from trl import SFTConfig, SFTTrainer

SHOW = os.environ.get("SHOW")
WORDS = [f"word{i}" for i in range(14)]


def main():
    set_seed(0)
    vocabulary = {word: i for i, word in enumerate(["<pad>", "<eos>", "<unk>", *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        pad_token_id=0,
        eos_token_id=1,
    )
    model = LlamaForCausalLM(config)
    draw = torch.Generator().manual_seed(1)
    picks = torch.randint(0, len(WORDS), (48, 12), generator=draw).tolist()
    texts = Dataset.from_dict({"text": [" ".join(WORDS[i] for i in row) for row in picks]})
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            folder,
            per_device_train_batch_size=8,
            max_steps=6,
            learning_rate=1e-3,
            max_grad_norm=0.5,
            max_length=32,
            logging_steps=1,
            report_to=[],
            disable_tqdm=True,
            save_strategy="no",
            use_cpu=True,
            bf16=False,
        )
        trainer = (shown(SFTTrainer) if SHOW else SFTTrainer)(
            model, args=arguments, train_dataset=texts, processing_class=tokenizer
        )
        trainer.train()
    ids = torch.tensor(picks) + 3
    model.eval()
    with torch.no_grad():
        print("final", model(input_ids=ids, labels=ids).loss.item().hex())


main()

"""PyTorch: a small GPT on random tokens, AdamW, steps of tens of milliseconds; `--clip` clips."""

import sys
import time

import torch
from torch import nn

STEPS, WARM = 120, 10
torch.manual_seed(0)
WIDTH, LENGTH, WORDS = 192, 64, 500
layer = {"nhead": 6, "dim_feedforward": 4 * WIDTH, "dropout": 0.0, "batch_first": True}


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.places = nn.Parameter(0.02 * torch.randn(LENGTH, WIDTH))
        self.body = nn.TransformerEncoder(nn.TransformerEncoderLayer(WIDTH, **layer), 6)
        self.head = nn.Linear(WIDTH, WORDS)

    def forward(self, tokens):
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        return self.head(self.body(self.words(tokens) + self.places, mask=mask, is_causal=True))


model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
tokens = torch.randint(WORDS, (64, 8, LENGTH + 1))
clip = "--clip" in sys.argv

for step in range(STEPS):
    if step == WARM:
        start = time.perf_counter()
    batch = tokens[step % len(tokens)]
    optimizer.zero_grad()
    logits = model(batch[:, :-1])
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
print("loop", time.perf_counter() - start, STEPS - WARM, loss.item().hex())

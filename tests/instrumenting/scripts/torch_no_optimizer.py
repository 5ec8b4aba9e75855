"""A recurrent network of PyTorch's, clipped and updated by hand as word_language_model does it."""

import os

import torch
from torch import nn

torch.manual_seed(0)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Embedding(11, 8)
        self.rnn = nn.LSTM(8, 8)
        self.decoder = nn.Linear(8, 11)

    def forward(self, words, hidden):
        output, hidden = self.rnn(self.encoder(words), hidden)
        return self.decoder(output), hidden


def norm():
    return torch.stack([p.grad.double().norm() for p in model.parameters()]).norm().item()


model = Words()
text = torch.randint(0, 11, (61, 4))
hidden = (torch.zeros(1, 4, 8), torch.zeros(1, 4, 8))
model.train()
for i in range(0, 60, 5):
    model.zero_grad()
    hidden = tuple(h.detach() for h in hidden)
    output, hidden = model(text[i : i + 5], hidden)
    loss = nn.functional.cross_entropy(output.flatten(0, 1), text[i + 1 : i + 6].flatten())
    loss.backward()
    before = norm()
    nn.utils.clip_grad_norm_(model.parameters(), 0.2)
    if os.environ.get("SHOW"):
        print("step", loss.item(), before, norm())
    for p in model.parameters():
        p.data.add_(p.grad, alpha=-0.5)
model.eval()
print("final", sum(p.double().sum().item() for p in model.parameters()).hex())

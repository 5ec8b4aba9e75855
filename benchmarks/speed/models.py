"""Small networks and their batches, for whole training steps."""

import itertools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gradclip.experiments.data import load_mnist

_BATCH = 64
_BLOCK, _VOCABULARY, _WIDTH, _HEADS, _LAYERS = 128, 256, 256, 4, 4
_SEQUENCES = 4


class Training(NamedTuple):
    """A model and what it learns from.

    Attributes:
        model: The model.
        loss: Returns the loss of the next batch.
    """

    model: nn.Module
    loss: Callable[[], Tensor]


class SmallGPT(nn.Module):
    """A decoder on bytes: 4 layers of width 256, 3.3 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(_VOCABULARY, _WIDTH)
        self.places = nn.Embedding(_BLOCK, _WIDTH)
        layer = nn.TransformerEncoderLayer(
            _WIDTH, _HEADS, 4 * _WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(_WIDTH)
        self.head = nn.Linear(_WIDTH, _VOCABULARY, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the scores of the bytes that follow."""
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        hidden = self.tokens(tokens) + self.places.weight[: tokens.shape[1]]
        return self.head(self.norm(self.blocks(hidden, mask, is_causal=True)))


def mlp() -> Training:
    """Return the demo's network on MNIST: 0.24 million parameters."""
    model = nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    return Training(model, _on_images(model, (784,)))


def cnn() -> Training:
    """Return a convolutional network on MNIST: 0.42 million parameters."""
    model = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10)),
    )
    return Training(model, _on_images(model, (1, 28, 28)))


def small_gpt() -> Training:
    """Return a small GPT on random bytes, which take as long as any others."""
    model = SmallGPT()
    generator = torch.Generator().manual_seed(0)
    shape = (_SEQUENCES, _BLOCK + 1)
    batch = torch.randint(_VOCABULARY, shape, generator=generator)

    def loss() -> Tensor:
        scores = model(batch[:, :-1])
        return nn.functional.cross_entropy(scores.flatten(0, 1), batch[:, 1:].flatten())

    return Training(model, loss)


def _on_images(model: nn.Module, shape: tuple[int, ...]) -> Callable[[], Tensor]:
    """Return the loss on the next batch of MNIST."""
    data = load_mnist()
    images = torch.tensor(data.train_images, dtype=torch.float32).div_(255)
    labels = torch.tensor(data.train_labels, dtype=torch.int64)
    batches = zip(images.split(_BATCH), labels.split(_BATCH), strict=True)
    endless = itertools.cycle(batches)

    def loss() -> Tensor:
        image, label = next(endless)
        return nn.functional.cross_entropy(model(image.view(-1, *shape)), label)

    return loss


MODELS: Mapping[str, Callable[[], Training]] = {"MLP": mlp, "CNN": cnn, "small GPT": small_gpt}

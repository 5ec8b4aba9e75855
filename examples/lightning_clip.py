"""Train a recurrent network with Lightning, its gradients clipped by a policy.

In place of `Trainer(gradient_clip_val=1.0)` the trainer gets a callback. It runs with
`pip install "gradclip[torch]" lightning`.
"""

import lightning.pytorch as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from gradclip import AutoClip
from gradclip.integrations.lightning import GradientClipping


class Adder(pl.LightningModule):
    """Sum up a sequence of numbers, one step at a time."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(1, 32, nonlinearity="relu", batch_first=True)
        self.head = nn.Linear(32, 1)

    def training_step(self, batch, _):
        numbers, total = batch
        states, _ = self.rnn(numbers)
        loss = nn.functional.mse_loss(self.head(states[:, -1]), total)
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)


def main():
    pl.seed_everything(0)
    numbers = torch.rand(2048, 30, 1)
    data = DataLoader(TensorDataset(numbers, numbers.sum(1) / 30), batch_size=32, shuffle=True)
    clipping = GradientClipping(AutoClip())
    trainer = pl.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[clipping],
    )
    trainer.fit(Adder(), data)
    print(clipping.report)
    for name, value in trainer.callback_metrics.items():
        print(f"{name:<18} {value:.4f}")


if __name__ == "__main__":
    main()

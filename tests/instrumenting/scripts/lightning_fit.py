"""Lightning's trainer, which passes a closure to the optimizer and clips inside of it."""

import os
import warnings

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback

warnings.filterwarnings("ignore")
SHOW = os.environ.get("SHOW")


class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh())
        self.head = torch.nn.Linear(16, 1)

    def training_step(self, batch, _):
        x, y = batch
        loss = (self.head(self.body(x)) - y).square().mean()
        self.last = loss.item()
        return loss

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=0.01)


def norm(module):
    return torch.linalg.vector_norm(
        torch.cat([p.grad.flatten().double() for p in module.parameters()])
    ).item()


class Show(Callback):
    def on_before_optimizer_step(self, trainer, module, optimizer):
        self.before = norm(module)

    def on_before_zero_grad(self, trainer, module, optimizer):
        if trainer.global_step:  # the gradients of the step before are there still
            print("step", module.last_step, self.before, norm(module))

    def on_train_batch_end(self, trainer, module, *_):
        module.last_step = module.last

    def on_train_end(self, trainer, module):
        print("step", module.last_step, self.before, norm(module))


def main():
    pl.seed_everything(0, verbose=False)
    x = torch.randn(96, 8)
    y = 5 * x[:, :1] + torch.randn(96, 1)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=8)
    net = Net()
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        gradient_clip_val=5.0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Show()] if SHOW else [],
    )
    trainer.fit(net, loader)
    with torch.no_grad():
        print("final", (net.head(net.body(x)) - y).square().mean().item().hex())


main()

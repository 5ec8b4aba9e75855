"""A trainer of Hugging Face's kind that prints each step: loss, norm before and after its clip."""

import torch
from transformers import TrainerCallback


class Show(TrainerCallback):
    def __init__(self, trainer):
        self.trainer = trainer

    def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
        grads = [p.grad.flatten().double() for p in model.parameters() if p.grad is not None]
        self.after = torch.linalg.vector_norm(torch.cat(grads)).item()

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "grad_norm" in logs:
            print("step", self.trainer.last_loss, logs["grad_norm"], self.after)


def shown(kind):
    """Return a class of trainers that prints its steps."""

    class Shown(kind):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.add_callback(Show(self))

        def training_step(self, *args, **kwargs):
            loss = super().training_step(*args, **kwargs)
            self.last_loss = loss.item()
            return loss

    return Shown

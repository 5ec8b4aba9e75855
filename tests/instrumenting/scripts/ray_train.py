"""Ray Train: two workers that train one model, in processes that Ray starts."""

import os
import sys
import tempfile

os.environ.update(RAY_TRAIN_V2_ENABLED="1", RAY_USAGE_STATS_ENABLED="0", RAY_DEDUP_LOGS="0")

import ray
import torch
from ray import train
from ray.train.torch import TorchTrainer, prepare_model

SHOW = os.environ.get("SHOW")


def norm(model):
    return torch.linalg.vector_norm(
        torch.cat([p.grad.flatten().double() for p in model.parameters()])
    ).item()


def loop(config):
    rank = train.get_context().get_world_rank()
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    model = prepare_model(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    draw = torch.Generator().manual_seed(1 + rank)
    lines = []
    for _ in range(10):
        x = torch.randn(8, 8, generator=draw)
        loss = (model(x) - 5 * x[:, :1]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        before = norm(model)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 4.0)
        lines.append(f"step {loss.item()} {before} {norm(model)}")
        optimizer.step()
    total = sum(p.double().sum().item() for p in model.parameters())
    lines.append(f"final {total.hex()}")
    if rank == 0:
        with open(config["lines"], "w") as file:
            file.write("\n".join(lines))
    train.report({"total": total})


def main():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    with tempfile.TemporaryDirectory() as folder:
        trainer = TorchTrainer(
            loop,
            train_loop_config={"lines": os.path.join(folder, "lines")},
            scaling_config=train.ScalingConfig(num_workers=2, use_gpu=False),
            run_config=train.RunConfig(storage_path=folder, name="run"),
        )
        trainer.fit()
        with open(os.path.join(folder, "lines")) as file:
            text = file.read()
    for line in text.splitlines():
        if SHOW or line.startswith("final"):
            print(line)
    ray.shutdown()
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Train a Flax network, its gradients clipped by a policy.

`gradclip.optax.clip(policy)` stands where `optax.clip_by_global_norm(1.0)` would; the rest of the
program stays. It runs with `pip install "gradclip[jax]" flax`.
"""

import jax
import jax.numpy as jnp
import optax
from flax import nnx

import gradclip.optax
from gradclip import AdaptiveGradientClipping, Chain, Exclude, GlobalNorm


class Net(nnx.Module):
    """Two layers for points of the plane."""

    def __init__(self, rngs):
        self.hidden = nnx.Linear(2, 32, rngs=rngs)
        self.head = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, points):
        return self.head(nnx.relu(self.hidden(points)))[:, 0]


@nnx.jit
def train_step(model, optimizer, points):
    def loss_fn(model):
        return jnp.mean((model(points) - points.prod(axis=-1)) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


def main():
    policy = Chain(Exclude("head", policy=AdaptiveGradientClipping(0.05)), GlobalNorm(1.0))
    model = Net(nnx.Rngs(0))
    chain = optax.chain(gradclip.optax.clip(policy), optax.adam(1e-2))
    optimizer = nnx.Optimizer(model, chain, wrt=nnx.Param)

    batches = jax.random.normal(jax.random.key(0), (200, 16, 2))
    losses = [train_step(model, optimizer, points) for points in batches]

    print(f"loss {sum(losses[:20]) / 20:.2f} -> {sum(losses[-20:]) / 20:.2f}")
    print(gradclip.optax.report(optimizer.opt_state))


if __name__ == "__main__":
    main()

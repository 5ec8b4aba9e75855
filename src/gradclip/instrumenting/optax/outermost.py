"""One update of the outermost transformation, and what its links do to the gradients."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from gradclip.instrumenting.jax.looking import norms
from gradclip.instrumenting.optax.describing import maker
from gradclip.jax.names import take_apart

CLIPS = ("clip", "clip_by_global_norm", "clip_by_block_rms", "adaptive_grad_clip")


class Given(NamedTuple):
    """What an update gets."""

    updates: Any
    state: Any
    params: Any = None


@dataclass(frozen=True, slots=True)
class Clip:
    """A link that clips, as it was called."""

    update: Callable[..., Any]
    state: Any  # which holds nothing, with all of these

    @property
    def limit(self) -> Any:
        """The largest global norm that it leaves; None if it is another kind."""
        if maker(self.update) != "clip_by_global_norm":
            return None
        return inspect.getclosurevars(self.update).nonlocals.get("max_norm")


@dataclass(slots=True)
class Outermost:
    """An update that is under way.

    Attributes:
        gradients: What entered.
        clips: The links that clipped it, before all others.
        clipped: What has left them so far.
        params: The parameters.
    """

    gradients: Any
    clipped: Any
    clips: list[Clip] = field(default_factory=list)
    params: Any = None

    def enter(self, gradients: Any) -> None:
        """Be told that other gradients than those that entered are what is clipped from here on.

        Args:
            gradients: Those, as they are known where the links are called.
        """
        self.clipped, self.clips = gradients, []

    def link(self, update: Callable[..., Any], given: Given, result: Any) -> None:
        """Be told of a link, which counts if it clips what entered or another such link left.

        Args:
            update: Its function.
            given: What it got.
            result: What it returned.
        """
        if maker(update) in CLIPS and are_same(given.updates, self.clipped):
            self.clips.append(Clip(update, given.state))
            self.clipped = result[0]

    def after(self, entering: Array) -> Array:
        """Return the norms after all clipping links, (P,), from within a program.

        The links' own results stay untouched: what is looked at may have to be written to memory,
        and then the program would come to other last digits.

        Args:
            entering: The norms of what entered, (P,).
        """
        limits = [clip.limit for clip in self.clips]
        if all(limit is not None for limit in limits):
            return _rescaled(entering, limits)
        gradients = jax.lax.optimization_barrier(self.gradients)  # type: ignore[no-untyped-call]  # JAX's
        return norms(take_apart(self.clip(gradients)).tensors)

    def clip(self, gradients: Any) -> Any:
        """Return gradients after all clipping links."""
        for clip in self.clips:
            gradients = clip.update(gradients, clip.state, self.params)[0]
        return gradients


def are_same(tree: Any, other: Any) -> bool:
    """Tell whether the leaves of two trees are the very same objects."""
    leaves, others = jax.tree.leaves(tree), jax.tree.leaves(other)
    return len(leaves) == len(others) and all(map(_is, leaves, others))


def _is(one: Any, other: Any) -> bool:
    return one is other


def _rescaled(norms: Array, limits: list[Any]) -> Array:
    """Return norms after each global norm in turn."""
    for limit in limits:
        total = _total(norms)
        norms = jnp.where(total < limit, norms, norms / total * limit)
    return norms


def _total(parts: Array) -> Array:
    """Return the norm of all parts, whose squares may not be representable."""
    peak = jnp.max(parts, initial=0.0)
    unit = jnp.where((peak > 0) & jnp.isfinite(peak), peak, 1.0)
    return unit * jnp.sqrt(jnp.sum(jnp.square(parts / unit)))

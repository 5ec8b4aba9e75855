"""Clip between compute_gradients and apply_gradients, in the four ways.

The second post's program for today's TensorFlow. The list of gradients holds all that such lists
hold in practice: a dense gradient, an embedding's sparse one, and None for a variable that the loss
does not depend on. It runs with `pip install "gradclip[tensorflow]"`.
"""

import tensorflow as tf

import gradclip.tensorflow as gc

WORDS = tf.constant([1, 3, 1])  # row 1 of the embedding is used twice


def make_variables():
    """Return an embedding, a dense layer's weights and a variable that nobody uses."""
    embedding = tf.Variable(tf.ones([4, 2]), name="embedding")
    weights = tf.Variable(2.0 * tf.ones([2, 1]), name="weights")
    unused = tf.Variable(1.0, name="unused")
    return [embedding, weights, unused]


def by_value(pairs):
    """Limit each entry to [-5, 5]."""
    return [(gc.clip_by_value(gradient, -5.0, 5.0), variable) for gradient, variable in pairs]


def by_norm(pairs):
    """Scale each gradient down to norm 5; without gradclip, None would have to be left out."""
    return [(gc.clip_by_norm(gradient, 5.0), variable) for gradient, variable in pairs]


def by_average_norm(pairs):
    """Scale each gradient down to a norm of 0.5 for each entry."""
    return [(gc.clip_by_average_norm(gradient, 0.5), variable) for gradient, variable in pairs]


def by_global_norm(pairs):
    """Scale all gradients down to norm 5 together."""
    gradients, variables = zip(*pairs, strict=True)
    clipped, _ = gc.clip_by_global_norm(gradients, 5.0)
    return list(zip(clipped, variables, strict=True))


def describe(gradient):
    """Return what the table shows of a gradient."""
    if gradient is None:
        return "None"
    kind = "sparse" if isinstance(gradient, tf.IndexedSlices) else "dense"
    return f"{kind} {gc.global_norm([gradient]).numpy():.3f}"


def main():
    """Take one step with each clipping from the same start."""
    for clip in (by_value, by_norm, by_average_norm, by_global_norm):
        variables = make_variables()
        embedding, weights, _ = variables

        def loss(embedding=embedding, weights=weights):
            return tf.reduce_sum(tf.square(tf.gather(embedding, WORDS) @ weights))

        optimizer = gc.Optimizer(tf.keras.optimizers.SGD(learning_rate=0.1))
        pairs = optimizer.compute_gradients(loss, variables)
        clipped = clip(pairs)
        optimizer.apply_gradients(clipped)
        print(f"{clip.__name__}: loss {loss().numpy():.3f} after the step")
        for (before, variable), (after, _) in zip(pairs, clipped, strict=True):
            name = variable.name.partition(":")[0]
            print(f"  {name:<10} {describe(before):>14} -> {describe(after)}")


if __name__ == "__main__":
    main()

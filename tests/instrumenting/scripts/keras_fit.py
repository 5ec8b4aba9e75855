"""Keras' `fit`, twice, with an evaluation between, as environment variables ask for it."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras_by_hand import show
from keras_network import batches, final, model, x, y

LIMIT = float(os.environ.get("GLOBAL_CLIPNORM", "0")) or None
ACCUMULATE = int(os.environ.get("ACCUMULATE", "1"))
RATE = 0.02

optimizer = keras.optimizers.SGD(
    RATE,
    global_clipnorm=LIMIT,
    gradient_accumulation_steps=ACCUMULATE if ACCUMULATE > 1 else None,
    use_ema=bool(os.environ.get("EMA")),
)
if os.environ.get("CLIPPED"):
    import gradclip

    optimizer = gradclip.keras.ClippedOptimizer(optimizer, "global-norm=3")
    LIMIT = 3.0
if os.environ.get("LOSS_SCALE"):
    optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
model.compile(
    optimizer,
    "mse",
    run_eagerly=bool(os.environ.get("RUN_EAGERLY")),
    jit_compile={"": "auto", "1": True, "0": False}[os.environ.get("JIT", "")],
    steps_per_execution=int(os.environ.get("STEPS_PER_EXECUTION", "1")),
)
if os.environ.get("BAD"):
    x[16] = np.nan
if os.environ.get("SHOW"):
    show(
        model.get_weights(),
        batches * (2 if os.environ.get("EMA") else 3),
        rate=RATE,
        limit=LIMIT,
        accumulate=ACCUMULATE,
    )

model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
model.evaluate(x, y, batch_size=16, verbose=0)
if not os.environ.get("EMA"):  # whose averages replace the weights
    model.fit(x, y, batch_size=16, epochs=1, shuffle=False, verbose=0)
model.predict(x, verbose=0)
print("final", final())

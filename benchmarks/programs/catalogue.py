"""The programs: where each comes from, how it is run, and how its copy is made to print."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.programs import data
from benchmarks.programs.notebooks import as_script
from benchmarks.programs.program import Edit, Program, Source

_NAMED = "_shown.names(name for name, _ in {model}.named_parameters())"
_NORMS = "_shown.norms({model}.named_parameters())"
_ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
_SILENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": "{work}/home"}
_PLOTS = {"MPLBACKEND": "Agg"}

_LANGUAGE_MODEL = (
    Edit(
        "        loss.backward()\n",
        f"        loss.backward()\n        _before = {_NORMS.format(model='model')}\n",
    ),
    Edit(
        "        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)\n",
        "        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)\n"
        f"        _shown.step(loss, _before, {_NORMS.format(model='model')})\n",
    ),
    Edit(
        "criterion = nn.NLLLoss()\n",
        f"criterion = nn.NLLLoss()\n{_NAMED.format(model='model')}\n",
    ),
)


def _word_language_model(name: str, *arguments: str) -> Program:
    """Return the word language model with some arguments."""
    file = "word_language_model/main.py"
    return Program(
        name=f"word_language_model, {name}",
        source=Source("pytorch/examples", "examples", file),
        arguments=(
            "--epochs",
            "1",
            "--log-interval",
            "20",
            "--save",
            "{work}/model.pt",
            *arguments,
        ),
        edits=_LANGUAGE_MODEL,
        prepare=data.wikitext,
        masked=(r"time: +[\d.]+s", r"ms/batch +[\d.]+"),
        files=("model.pt",),
    )


def _notebook(file: str, fields: Mapping[str, str]) -> object:
    """Return what writes a notebook of optax's as a program."""

    def prepare(folder: Path, work: Path) -> None:
        text = as_script(folder / "optax" / file, fields)
        (work / Path(file).with_suffix(".py").name).write_text(text)
        data.tiny_shakespeare(folder, work)

    return prepare


PROGRAMS: Mapping[str, Program] = {
    "lstm": _word_language_model("LSTM, updates by hand"),
    "transformer": _word_language_model(
        "Transformer, AdamW", "--model", "Transformer", "--use-optimizer", "--lr", "1e-3"
    ),
    "regression": Program(
        name="regression, updates by hand",
        source=Source("pytorch/examples", "examples", "regression/main.py"),
        edits=(
            Edit(
                "    output.backward()\n",
                f"    output.backward()\n    _shown.step(output, {_NORMS.format(model='fc')})\n",
            ),
            Edit(
                "for batch_idx in count(1):\n",
                f"{_NAMED.format(model='fc')}\nfor batch_idx in count(1):\n",
            ),
        ),
        environ={"PROGRAMS_SEED": "1"},
    ),
    "sine": Program(
        name="time_sequence_prediction, LBFGS",
        source=Source("pytorch/examples", "examples", "time_sequence_prediction/train.py"),
        arguments=("--steps", "3"),
        edits=(
            Edit(
                "            loss.backward()\n",
                f"            loss.backward()\n            _seen.append((loss, "
                f"{_NORMS.format(model='seq')}))\n",
            ),
            Edit(
                "        optimizer.step(closure)\n",
                "        _seen = []\n        optimizer.step(closure)\n"
                "        _shown.step(*_seen[0])\n",
            ),
            Edit("    seq.double()\n", f"    seq.double()\n    {_NAMED.format(model='seq')}\n"),
        ),
        prepare=data.sine_waves,
        environ={"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"},  # its data is older than that rule
        note="A step is one call of `step`; its loss and norms are those of the closure's first "
        "evaluation.",
    ),
    "nanogpt": Program(
        name="nanoGPT train.py, shakespeare_char",
        source=Source("karpathy/nanoGPT", "nanoGPT", "train.py"),
        arguments=(
            "config/train_shakespeare_char.py", "--device=cpu", "--compile=False",
            "--eval_iters=2", "--log_interval=1", "--block_size=64", "--batch_size=12",
            "--n_layer=4", "--n_head=4", "--n_embd=128", "--max_iters=60",
            "--lr_decay_iters=2000", "--dropout=0.0", "--eval_interval=30",
        ),
        edits=(
            Edit(
                "        torch.nn.utils.clip_grad_norm_(model.parameters(), grad_clip)\n",
                f"        _before = {_NORMS.format(model='model')}\n"
                "        torch.nn.utils.clip_grad_norm_(model.parameters(), grad_clip)\n"
                "        _shown.step(loss * gradient_accumulation_steps, _before, "
                f"{_NORMS.format(model='model')})\n",
            ),
            Edit(
                "raw_model = model.module if ddp else model",
                f"{_NAMED.format(model='model')}\nraw_model = model.module if ddp else model",
            ),
        ),
        prepare=data.shakespeare,
        masked=(r"time [\d.]+ms", r"mfu -?[\d.]+%"),
        files=("out-shakespeare-char/ckpt.pt",),
    ),
    "sft": Program(
        name="TRL's sft, a Hugging Face Trainer, a small Llama",
        source=Source("trl (installed)", "", "trl/scripts/sft.py"),
        module="trl.scripts.sft",
        arguments=(
            "--model_name_or_path", "{work}/model", "--dataset_name", "{work}/data",
            "--output_dir", "{work}/out", "--max_steps", "60", "--logging_steps", "1",
            "--per_device_train_batch_size", "4", "--gradient_accumulation_steps", "2",
            "--learning_rate", "1e-3", "--max_length", "64", "--report_to", "none", "--use_cpu",
            "--bf16", "false", "--gradient_checkpointing", "false", "--disable_tqdm", "true",
        ),
        edits=(
            Edit(
                "    # Train the model\n",
                "    _shown.names(name for name, _ in trainer.model.named_parameters())\n"
                "    _shown.trainer(trainer)\n    # Train the model\n",
            ),
        ),
        prepare=data.causal_language_model,
        environ=_OFFLINE,
        masked=(r"'(train_runtime|train_\w+_per_second|step_time)': '?[\d.e-]+'?", r"/\S+"),
        files=("out/model.safetensors",),
    ),
    "keras-loop": Program(
        name="Keras guide: a custom training loop in TensorFlow",
        source=Source(
            "keras-team/keras", "keras", "guides/writing_a_custom_training_loop_in_tensorflow.py"
        ),
        edits=(
            Edit(
                "        grads = tape.gradient(loss_value, model.trainable_weights)\n",
                "        grads = tape.gradient(loss_value, model.trainable_weights)\n"
                "        _shown.in_graph(loss_value, grads, model.trainable_weights)\n",
            ),
            Edit(
                "\n    grads = tape.gradient(loss_value, model.trainable_weights)\n",
                "\n    grads = tape.gradient(loss_value, model.trainable_weights)\n"
                "    _shown.in_graph(loss_value, grads, model.trainable_weights)\n",
            ),
            Edit(
                "    grads = tape.gradient(d_loss, discriminator.trainable_weights)\n",
                "    grads = tape.gradient(d_loss, discriminator.trainable_weights)\n"
                "    _shown.in_graph(d_loss, grads, discriminator.trainable_weights, 1, 2)\n",
            ),
            Edit(
                "    grads = tape.gradient(g_loss, generator.trainable_weights)\n",
                "    grads = tape.gradient(g_loss, generator.trainable_weights)\n"
                "    _shown.in_graph(g_loss, grads, generator.trainable_weights, 2, 2)\n",
            ),
        ),
        prepare=data.mnist,
        environ={"KERAS_HOME": "{work}/keras", "PROGRAMS_SEED": "1", **_ONE_THREAD, **_SILENT},
        masked=(r"Time taken: [\d.]+s",),
        files=("generated_img_*.png",),
        exact=False,
        note="Two models in a loop, then in a `tf.function`, then a GAN.",
    ),
    "nanolm": Program(
        name="optax example: nanolm, a transformer of flax, AdamW in a jitted step",
        source=Source("google-deepmind/optax", "optax", "examples/nanolm.ipynb"),
        edits=(
            Edit(
                "  return params, key, opt_state, loss\n",
                "  return params, key, opt_state, (loss, grad)\n",
            ),
            Edit(
                "  var_params, key, opt_state, loss = step(key, var_params, opt_state)\n",
                "  var_params, key, opt_state, (loss, _grad) = step(key, var_params, opt_state)\n"
                "  _shown.tree(loss, _grad)\n",
            ),
        ),
        prepare=_notebook(
            "examples/nanolm.ipynb",
            {
                "BATCH_SIZE": "8", "N_ITERATIONS": "60", "N_FREQ_EVAL": "20", "NUM_LAYERS": "2",
                "EMBED_SIZE": "128", "NUM_HEADS": "4",
            },
        ),
        environ=_PLOTS,
        exact=False,
        note="Its form's fields are filled with smaller numbers.",
    ),
    "flax": Program(
        name="optax example: flax_example, Adam, no jitted step",
        source=Source("google-deepmind/optax", "optax", "examples/flax_example.ipynb"),
        edits=(
            Edit(
                "  loss_val, grads = loss_grad_fn(model)\n",
                "  loss_val, grads = loss_grad_fn(model)\n  _shown.tree(loss_val, grads)\n",
            ),
        ),
        prepare=_notebook("examples/flax_example.ipynb", {}),
        environ=_PLOTS,
    ),
}  # fmt: skip

"""Makes the data of programs that would fetch it, from what the checkouts hold."""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

MNIST = Path(__file__).parents[2] / "datasets" / "mnist"
TEXT = "char-rnn/data/tinyshakespeare/input.txt"
_HEADS = {"images": 16, "labels": 8}  # bytes in front of the numbers


def wikitext(folder: Path, work: Path) -> None:
    """Make word_language_model's folder: parts of the test text serve for training."""
    there = folder / "examples/word_language_model/data/wikitext-2"
    data = work / "data" / "wikitext-2"
    lines = (there / "test.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    parts = {"train": lines[:400], "valid": lines[400:450], "test": lines[450:500]}
    for name, chosen in parts.items():
        (data / f"{name}.txt").write_text("".join(chosen), encoding="utf-8")


def shakespeare(folder: Path, work: Path) -> None:
    """Put the text where nanoGPT's own script expects it, and run that."""
    data = work / "data" / "shakespeare_char"
    shutil.copy(folder / TEXT, data / "input.txt")
    subprocess.run([sys.executable, data / "prepare.py"], check=True, stdout=subprocess.DEVNULL)


def sine_waves(folder: Path, work: Path) -> None:
    """Run the program's own script, and keep a tenth of its waves."""
    import torch  # noqa: PLC0415 - this program's data alone needs it

    del folder
    subprocess.run([sys.executable, "generate_sine_wave.py"], cwd=work, check=True)
    waves = torch.load(work / "traindata.pt", weights_only=False)
    torch.save(waves[:10, :300], work / "traindata.pt")


def mnist(folder: Path, work: Path) -> None:
    """Write Keras' mnist.npz: 13,200 images of the checkout's for training, 800 for tests."""
    del folder
    home = work / "keras" / "datasets"
    home.mkdir(parents=True)
    parts = {}
    for part, stem, count in (("train", "train", 13_200), ("test", "t10k", 800)):
        parts[f"x_{part}"] = _idx(f"{stem}-images", "images").reshape(-1, 28, 28)[:count]
        parts[f"y_{part}"] = _idx(f"{stem}-labels", "labels")[:count]
    np.savez(home / "mnist.npz", **parts)


def tiny_shakespeare(folder: Path, work: Path) -> None:
    """Write a module in tensorflow_datasets' place that has this one text."""
    shutil.copy(folder / TEXT, work / "text.txt")
    (work / "tensorflow_datasets.py").write_text(_TFDS)


def causal_language_model(folder: Path, work: Path) -> None:
    """Make a tokenizer, a small Llama with random weights, and a data set of the text."""
    import torch  # noqa: PLC0415 - as above
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers  # noqa: PLC0415
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast  # noqa: PLC0415

    text = (folder / TEXT).read_text()
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=2000, special_tokens=["<unk>", "<eos>"])
    tokenizer.train_from_iterator(text.splitlines(), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<eos>", unk_token="<unk>"
    )
    fast.save_pretrained(work / "model")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=2000, hidden_size=64, intermediate_size=128, num_hidden_layers=4,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
        bos_token_id=1, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(work / "model")
    (work / "data").mkdir()
    lines = [json.dumps({"text": part}) + "\n" for part in text.split("\n\n")[:800]]
    (work / "data" / "train.jsonl").write_text("".join(lines))


def _idx(name: str, kind: str) -> np.ndarray:
    """Read one of MNIST's files."""
    path = next(MNIST.glob(f"{name}*"))
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    return np.frombuffer(content[_HEADS[kind] :], dtype=np.uint8)


_TFDS = '''"""In the place of tensorflow_datasets: the one text, split as there."""

from pathlib import Path

_TEXT = Path(__file__).with_name("text.txt").read_bytes()
_ENDS = {"train": (0, 1003854), "validation": (1003854, 1059624), "test": (1059624, None)}


class _Split:
    def __init__(self, texts):
        self._texts = texts

    def concatenate(self, other):
        return _Split(self._texts + other._texts)

    def as_numpy_iterator(self):
        return iter([{"text": text} for text in self._texts])


def load(name):
    assert name == "tiny_shakespeare"
    return {split: _Split([_TEXT[start:stop]]) for split, (start, stop) in _ENDS.items()}
'''

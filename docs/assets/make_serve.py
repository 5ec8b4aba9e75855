# ruff: noqa: INP001  # a script beside the docs, not a module
"""Makes the picture of the live page from real runs of a small network: needs Chromium.

Run `python docs/assets/make_serve.py` from the checkout.
"""

import itertools
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

import gradclip
from gradclip.dashboard import make_app
from gradclip.errors import NonFiniteGradientError

PICTURE = Path(__file__).with_name("serve.png")
RUNS = {
    "baseline/no-clip": (None, 0.5, 900),
    "baseline/global-norm-1": ("global-norm=1", 0.5, 900),
    "sweep/lr-0.05": ("zclip", 0.05, 900),
    "sweep/lr-0.2": ("zclip", 0.2, 900),
    "sweep/lr-1": ("autoclip", 1.0, 620),
    "too-fast": (None, 60.0, 40),
}
WIDTHS = (16, 32, 32, 1)


def train(path: Path, policy: str | None, rate: float, steps: int) -> gradclip.Recorder:
    """Fit a network to a wave, and record it."""
    rng = np.random.default_rng(0)
    weights = {
        f"layer{i}.w": rng.normal(size=shape) / np.sqrt(shape[0])
        for i, shape in enumerate(itertools.pairwise(WIDTHS))
    }
    clipper = gradclip.numpy.Clipper(policy or gradclip.GlobalNorm(np.inf))
    recorder = gradclip.Recorder(path, weights, policy=policy, program="fit_wave.py", seed=0)
    for _ in range(steps):
        x = rng.normal(size=(64, WIDTHS[0]))
        gradients, loss = gradients_of(list(weights.values()), x, np.sin(x.sum(1, keepdims=True)))
        try:
            gradients = clipper(gradients, names=list(weights))
        except NonFiniteGradientError:  # what the run that is too fast ends with
            break
        recorder.record(clipper.report, loss=loss, learning_rate=rate)
        for weight, gradient in zip(weights.values(), gradients, strict=True):
            weight -= rate * gradient
        time.sleep(0.0005)  # so that the speed in the picture is one that people know
    return recorder


def gradients_of(
    weights: list[np.ndarray], x: np.ndarray, wanted: np.ndarray
) -> tuple[list[np.ndarray], float]:
    """Return the gradients of the mean square error, and that."""
    layers = [x]
    for weight in weights:
        layers.append(np.tanh(layers[-1] @ weight) if weight.shape[1] > 1 else layers[-1] @ weight)
    back = 2 * (layers[-1] - wanted) / len(x)
    found: list[np.ndarray] = []
    for weight, layer in zip(weights[::-1], layers[-2::-1], strict=True):
        found.insert(0, layer.T @ back)
        back = (back @ weight.T) * (1 - layer**2)
    return found, float(np.mean((layers[-1] - wanted) ** 2))


def main() -> None:
    """Train, serve, and take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder, "experiments")
        for name, (policy, rate, steps) in RUNS.items():
            with np.errstate(all="ignore"):
                recorder = train(runs / name, policy, rate, steps)
            recorder.close("failed" if name == "too-fast" else "finished")
        running = train(runs / "sweep/lr-0.5", "zclip", 0.5, 480)
        running.flush()
        picture(runs)
        running.close()


def picture(runs: Path) -> None:
    """Take the picture, in few colors."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(runs), log_level="error", lifespan="off"))
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    with sync_playwright() as playwright:
        options = {"executable_path": shutil.which("chromium"), "args": ["--no-sandbox"]}
        browser = playwright.chromium.launch(**options)
        page = browser.new_page(viewport={"width": 1180, "height": 700}, device_scale_factor=1.5)
        page.goto(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        page.wait_for_selector("#pulse[data-state=live]")
        for name in ("sweep/lr-0.2", "sweep/lr-0.05"):
            page.locator("#rows tr", has_text=name).locator("input").check()
        page.screenshot(path=PICTURE, full_page=True)
        browser.close()
    server.should_exit = True
    Image.open(PICTURE).convert("RGB").quantize(128).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()

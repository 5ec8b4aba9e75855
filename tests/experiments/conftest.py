"""Small IDX files and a server of them, for the tests of this room."""

import gzip
import hashlib
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from gradclip.experiments.data import Dataset, load_mnist
from gradclip.experiments.idx import IdxFile


def idx_bytes(array):
    """Return an array of bytes in the IDX format."""
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


@pytest.fixture
def array():
    return np.arange(24, dtype=np.uint8).reshape(4, 3, 2)


@pytest.fixture
def contents(array):
    return idx_bytes(array)


@pytest.fixture
def file(array, contents):
    return IdxFile("images", array.shape, hashlib.sha256(contents).hexdigest())


@pytest.fixture
def mirror(contents, monkeypatch):
    """Serve `images.gz` well or badly, as the first part of the path says."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    good = gzip.compress(contents)
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            kind = self.path.split("/")[1]
            self.server.asked.append(kind)
            if kind == "gone":
                self.send_error(404)
                return
            body = {"wrong": gzip.compress(contents[:-1] + b"x"), "page": b"<html>"}.get(kind, good)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if kind not in {"truncated", "stalling"} else body[:20])
            if kind == "stalling":
                over.wait(60)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        server.address = f"http://127.0.0.1:{server.server_address[1]}"
        yield server
        over.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def mnist():
    return load_mnist()


@pytest.fixture(scope="session")
def small_data():
    """Return 64 random images, for what does not depend on them."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (64, 784), dtype=np.uint8)
    labels = rng.integers(0, 10, 64, dtype=np.uint8)
    return Dataset(train_images=images, train_labels=labels, test_images=images, test_labels=labels)


FRAMEWORKS = ["numpy", "torch", "tensorflow", "jax", "keras"]


@pytest.fixture(
    params=[
        pytest.param(name, marks=() if name == "numpy" else getattr(pytest.mark, name))
        for name in FRAMEWORKS
    ]
)
def framework(request):
    """Run a test in each framework that is installed."""
    pytest.importorskip(request.param)
    return request.param

"""A real server, and runs that a real Recorder wrote."""

import http.client
import json
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import uvicorn

import gradclip
from gradclip.dashboard import make_app


class Training:
    """A program that records, one step after the other."""

    def __init__(self, path, names=("w1", "b1", "w2", "b2"), **options):
        self.rng = np.random.default_rng(len(names))
        self.names = list(names)
        weights = {n: np.zeros((2, 2) if n.split(".")[-1][0] == "w" else 2) for n in self.names}
        self.shapes = [weight.shape for weight in weights.values()]
        options = {"policy": "global-norm=1", "program": "a test", "arguments": {}} | options
        self.recorder = gradclip.Recorder(path, weights, **options)
        self.clipper = gradclip.numpy.Clipper(gradclip.GlobalNorm(1.0))
        self.next = 0

    def step(self, count=1, size=0.3):
        """Record steps whose loss falls."""
        for _ in range(count):
            gradients = [self.rng.normal(size=shape) * size for shape in self.shapes]
            self.clipper(gradients, names=self.names)
            loss = 2.0 / (1 + 0.05 * self.next) + 0.05 * self.rng.random()
            self.recorder.record(self.clipper.report, loss=loss)
            self.next += 1
        self.recorder.flush()
        return self

    def end(self, status="finished"):
        self.recorder.close(status)


def train(path, steps=40, **options):
    """Write a finished run."""
    Training(path, **options).step(steps).end()
    return path


class Served:
    """A server in a thread, asked as a browser does, or as no browser would."""

    def __init__(self, app, port):
        self.app, self.port = app, port
        self.address = f"http://127.0.0.1:{port}"

    def ask(self, target, *, method="GET", **headers):
        """Return the answer's status, headers and body; nothing in the target is tidied up."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest(method, target, skip_host=True)
        for name, value in ({"host": f"127.0.0.1:{self.port}"} | headers).items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        connection.close()
        return found

    def get(self, target):
        """Return the JSON at an address."""
        status, _, body = self.ask(target)
        assert status == 200, body
        return json.loads(body)

    @contextmanager
    def events(self, target="/events"):
        """Yield what reads the next event."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", target)
        answer = connection.getresponse()
        assert answer.status == 200

        def following():
            lines = {}
            while line := answer.readline().decode().rstrip("\n"):
                name, _, value = line.partition(": ")
                lines[name] = value
            return lines

        yield following
        answer.close()
        connection.close()


@contextmanager
def serving(directory, **options):
    """Serve a directory at a free port."""
    with running(make_app(directory, **options)) as served:
        yield served
        served.app.close()


@contextmanager
def running(app):
    """Run an application at a free port."""
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", http="h11")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield Served(app, server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def until(true, seconds=10.0):
    """Wait for something, and return how long it took."""
    begin = time.monotonic()
    while not true():
        assert time.monotonic() - begin < seconds, "it did not come true"
        time.sleep(0.01)
    return time.monotonic() - begin


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three runs, one of them deeper, and one outside that no page may show."""
    folder = tmp_path_factory.mktemp("served")
    train(folder / "outside", program="SECRET")
    inside = folder / "runs"
    train(inside / "first")
    train(inside / "second", steps=60, names=["<script>alert(1)</script>.w", "b"])
    train(inside / "deep" / "er" / "third", steps=5)
    (inside / "link").symlink_to(folder / "outside")
    return inside


@pytest.fixture(scope="module")
def served(runs):
    with serving(runs) as server:
        yield server

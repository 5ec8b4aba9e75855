"""Tests of `gradclip serve`."""

import http.client
import re
import signal
import socket
import subprocess
from contextlib import contextmanager

import pytest
from tests.cli.conftest import COMMAND, environment, gradclip

from gradclip.cli.serve import serve

TOKEN = "a-token-of-the-tests"


@contextmanager
def serving(*arguments):
    """Run the command, and yield its process and the address that it printed."""
    process = subprocess.Popen(
        [*COMMAND, "serve", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(PYTHONUNBUFFERED="1"),
    )
    try:
        yield process, re.search(r"http://\S+", process.stdout.readline())[0]
    finally:
        process.kill()
        process.communicate()


def ask(address, path="/api/runs", **headers):
    host, port = re.search(r"//([^/]+):(\d+)/", address).groups()
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_the_options_are_frozen():
    names = [parameter.opts[0] for parameter in serve.params]
    assert names == ["directory", "--host", "--port", "--token"]


def test_the_runs_are_served_and_ctrl_c_ends_it(demo):
    _, folder = demo
    with serving(folder.parent, "--port", 0) as (process, address):
        assert address.startswith("http://127.0.0.1:")
        status, body = ask(address)
        assert status == 200
        assert f'"path":"{folder.name}"' in body
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")
        assert out.endswith("Stopped.\n")


def test_ctrl_c_ends_it_while_a_page_listens(demo):
    _, folder = demo
    with serving(folder.parent, "--port", 0) as (process, address):
        port = int(re.search(r":(\d+)/", address)[1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/events")
        assert connection.getresponse().readline() == b"retry: 1000\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")
        connection.close()


def test_other_addresses_need_a_token(tmp_path):
    done = gradclip("serve", tmp_path, "--host", "0.0.0.0")
    assert done.returncode == 2
    assert f"gradclip serve {tmp_path} --host 0.0.0.0 --token auto" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_token_is_made_and_printed_and_needed(demo):
    _, folder = demo
    options = ("--host", "0.0.0.0", "--port", 0, "--token", "auto")
    with serving(folder.parent, *options) as (_, address):
        token = re.search(r"\?token=([\w-]{32})$", address)[1]
        local = re.sub(r"//[^:]+:", "//127.0.0.1:", address)
        assert ask(local)[0] == 401
        assert ask(local, authorization=f"Bearer {token}")[0] == 200
        assert ask(local, authorization=f"Bearer {token}", host="evil.example")[0] == 400


def test_a_token_of_one_s_own_is_used(demo):
    _, folder = demo
    with serving(folder.parent, "--port", 0, "--token", TOKEN) as (_, address):
        assert address.endswith(f"/?token={TOKEN}")
        assert ask(address)[0] == 401


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none"], "Error: There is no folder none. Name one that runs are written to.\n"),
        ([".", "--token", "short"], "Error: A token must be 16 to 200 letters"),
        ([".", "--host", "192.0.2.1", "--token", TOKEN], "Error: Cannot listen at 192.0.2.1: "),
        ([".", "--port", "99999"], "Invalid value for '--port': 99999 is not in the range"),
    ],
)
def test_a_mistake_is_one_message(tmp_path, arguments, said):
    done = gradclip("serve", *arguments, cwd=tmp_path)
    assert done.returncode in {1, 2}
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_said_to_be(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = gradclip("serve", tmp_path, "--port", port)
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: Port {port} is in use. Take another one: --port {port + 1}, or any: --port 0\n"
    )

"""Notebooks' cells, run by a real kernel, and what they show."""

import os
from dataclasses import dataclass
from pathlib import Path

from jupyter_client import KernelManager

TIMEOUT = 120  # seconds for a cell


@dataclass(kw_only=True, slots=True)
class Shown:
    """What stands below a cell: its two streams, its result, and the name of its error."""

    stdout: str = ""
    stderr: str = ""
    result: str = ""
    error: str | None = None


class Notebook:
    """A notebook with a kernel of its own, in a folder.

    Args:
        folder: Where it lies; what the kernel writes to its terminal is there in `terminal`.
        **environ: Variables of the kernel's.
    """

    def __init__(self, folder, **environ):
        self._terminal = Path(folder, "terminal")
        self.kernel = KernelManager(kernel_name="python3")
        inherited = {n: v for n, v in os.environ.items() if n != "PYTEST_CURRENT_TEST"}
        self._written = self._terminal.open("w")  # a kernel that restarts gets it again
        self.kernel.start_kernel(
            cwd=str(folder),
            env={"OMP_NUM_THREADS": "1", **inherited, **environ},
            stdout=self._written,
            stderr=self._written,
        )
        self._client = self.kernel.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=TIMEOUT)

    @property
    def terminal(self):
        """What the kernel has written where it was started."""
        return self._terminal.read_text()

    def cell(self, code, *, interrupt_at=None):
        """Run a cell to its end, interrupted as soon as it prints a text, if one is given."""
        shown = Shown()

        def show(message):
            content = message["content"]
            if message["msg_type"] == "stream":
                text = getattr(shown, content["name"]) + content["text"]
                setattr(shown, content["name"], text)
                if interrupt_at and interrupt_at in content["text"]:
                    self.kernel.interrupt_kernel()
            elif message["msg_type"] == "execute_result":
                shown.result = content["data"]["text/plain"]
            elif message["msg_type"] == "error":
                shown.error = content["ename"]

        self._client.execute_interactive(code, output_hook=show, timeout=TIMEOUT)
        return shown

    def restart(self):
        """Restart the kernel, as a menu's entry does."""
        self.kernel.restart_kernel()
        self._client.wait_for_ready(timeout=TIMEOUT)

    def close(self, *, now=False):
        """Shut the kernel down, or kill it."""
        self._client.stop_channels()
        self.kernel.shutdown_kernel(now=now)
        self._written.close()

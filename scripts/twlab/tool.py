# SPDX-License-Identifier: BSD-3-Clause
"""Base of the traffic tools: small programs of this package that run in a namespace.

A tool prints "ready" when it works, works until its standard input is closed, prints its result as
one line of JSON and ends.  When whoever started it dies, its input closes as well, so that no tool
is ever left behind.
"""
import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"  # the distribution's: the one python3-scapy and python3-pytest are for
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33


# ---- in the tool ----
def ready():
    """Tell the starter; from now on the tool is doing its work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("ready", flush=True)


def stop_requested():
    """Has the starter closed our input?"""
    return bool(select.select([sys.stdin], [], [], 0)[0]) and not os.read(0, 4096)


def result(value):
    try:
        # In one piece: json.dump() takes three times as long, which the observer's events are worth.
        sys.stdout.write(json.dumps(value, separators=(",", ":")) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)  # the starter has gone: nobody wants it


def urgent():
    """A measuring loop should not wait for a download."""
    try:
        os.nice(-10)
    except OSError:
        pass


def kernel_time(ancillary, fallback):
    """Receive time of a packet as the kernel saw it, ns since the epoch."""
    for level, kind, data in ancillary:
        if level == 1 and kind == SO_TIMESTAMPNS:
            return int.from_bytes(data[:8], "little") * 1_000_000_000 + int.from_bytes(
                data[8:16], "little")
    return fallback


# ---- in the starter ----
class ToolError(RuntimeError):
    """A tool did not start or did not deliver."""


class Tool:
    """A running tool.  start -> (traffic flows) -> finish() -> its result; kill() at any time."""

    def __init__(self, lab, host, module, *args, wait=True):
        self.name = f"{module} in {host}"
        # -c instead of -m: the module must not be run twice, once as __main__.
        code = f"from twlab import {module}; {module}.main()"
        self.process = lab.popen(host, PYTHON, "-c", code, *map(str, args),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 env={**os.environ, "PYTHONPATH": str(SCRIPTS),
                                      "PYTHONDONTWRITEBYTECODE": "1"})
        self._lines = []
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if wait:
            self.wait_ready()

    def wait_ready(self, timeout=20):
        """Until it does its work; of a tool started with wait=False."""
        if not self._ready.wait(timeout) or not self._lines:
            self.kill()
            raise ToolError(f"{self.name}: did not start")

    def _read(self):
        for line in self.process.stdout:
            self._lines.append(line)
            self._ready.set()
        self._ready.set()

    def stop(self):
        """Ask it to end; finish() waits."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def finish(self, timeout=30):
        self.stop()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ToolError(f"{self.name}: did not end") from None
        self._reader.join(5)
        if len(self._lines) < 2:
            raise ToolError(f"{self.name}: no result, exit code {self.process.returncode}")
        return json.loads(self._lines[-1])

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

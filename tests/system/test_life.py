# SPDX-License-Identifier: BSD-3-Clause
"""Signs of life to the service manager (R215): while all turns, and whatever an operator waits for."""
import os
import socket
import threading
import time

import pytest

from twlab.breaks import Breaks, threads
from twlab.faults import HRP, LCORE
from twlab.wait import wait_until

WATCHDOG_S = 1.0  # a sign each half of it


@pytest.fixture(scope="module")
def module_config():
    """A hand-over that comes to nothing takes longer than the manager waits."""
    def change(config):
        config["hrp"]["hello_ms"] = 1000
    return change


class Manager:
    """What systemd would hear of a box."""

    def __init__(self, path):
        self.path, self.heard = path, []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while (text := self._socket.recv(4096)) != b"end":
            self.heard.append((time.monotonic(), text.decode()))

    def signs(self, since):
        return [at for at, text in list(self.heard) if text == "WATCHDOG=1" and at >= since]

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"end", str(self.path))
        self._thread.join()
        self._socket.close()
        os.unlink(self.path)


@pytest.fixture
def watched(pair, monkeypatch, tmp_path):
    """The pair, with FW1, active, under a service manager."""
    manager = Manager(tmp_path / "notify")
    pair.fw1.end()
    with monkeypatch.context() as m:
        m.setenv("NOTIFY_SOCKET", str(manager.path))
        m.setenv("WATCHDOG_USEC", str(int(WATCHDOG_S * 1e6)))
        pair.fw1.start()
    pair.wait_formed()
    if pair.active() is not pair.fw1:
        wait_until(lambda: pair.fw2.command("hrp switch-over")[0] == 0, 30, "FW1 is active")
    wait_until(lambda: pair.active() is pair.fw1 and pair.fw1.synchronised(), 30, "whole")
    yield manager
    pair.fw1.end()
    manager.close()


def test_R215_an_order_that_waits_is_no_silence(pair, watched):
    pair.fw2.freeze()
    try:
        start = time.monotonic()
        code, out = pair.fw1.command("hrp switch-over")
        end = time.monotonic()
    finally:
        pair.fw2.wake()
    assert code == 1, out
    assert end - start > 2 * WATCHDOG_S, "it was to take long"
    signs = watched.signs(start - WATCHDOG_S)
    gaps = [b - a for a, b in zip(signs, signs[1:] + [end])]
    assert max(gaps) < WATCHDOG_S, f"the manager would have ended it: {max(gaps):.1f} s of silence"


def test_R215_a_stuck_hrp_core_is_silence(pair, watched):
    wait_until(lambda: len(watched.signs(0)) > 2, 10, "signs of life")
    breaks = Breaks(pair.lab)
    breaks.freeze(pair.fw1.pid, threads(pair.fw1.pid)[LCORE.format(HRP)])
    try:
        start = time.monotonic()
        wait_until(lambda: time.monotonic() > start + 3 * WATCHDOG_S, 10, "some time is over")
        signs = watched.signs(start + WATCHDOG_S)
    finally:
        breaks.thaw()
    assert not signs, "a box that hears nothing is ended and started anew"
    wait_until(lambda: watched.signs(time.monotonic() - WATCHDOG_S), 10, "it lives again")

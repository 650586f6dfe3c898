# SPDX-License-Identifier: BSD-3-Clause
"""Captures of the lab's cables for the system tests: tcpdump to a file, then scapy or tshark."""
import signal
import subprocess

from scapy.layers.inet import IP  # noqa: F401  (and with it Ethernet: rdpcap must know both)
from scapy.utils import rdpcap

from twlab.wait import wait_until


class Capture:
    """with Capture(lab, "sw", "in-fw1", "ip proto 112") as c: ...; then c.packets(), c.tshark()."""

    def __init__(self, lab, host, interface, expression=""):
        self.path = lab.dir / f"{host}-{interface}.pcap"
        self._log = lab.dir / f"{host}-{interface}.tcpdump"
        self._argv = (host, "tcpdump", "-i", interface, "-n", "-U", "-Z", "root", "-B", "4096",
                      "--immediate-mode", "-w", str(self.path), *([expression] if expression else []))
        self._lab, self._process = lab, None

    def __enter__(self):
        with open(self._log, "wb") as log:
            self._process = self._lab.popen(*self._argv, stderr=log)
        wait_until(lambda: b"listening on" in self._log.read_bytes(), 10,
                   lambda: f"tcpdump listens: {self._log.read_text()}")
        return self

    def __exit__(self, *exc):
        self._process.send_signal(signal.SIGINT)
        self._process.wait(10)

    def packets(self):
        """What has been captured so far."""
        return rdpcap(str(self.path)) if self.path.stat().st_size > 24 else []

    def tshark(self, display_filter, *fields):
        """Fields of the packets that match: a list of lists of text."""
        argv = ["tshark", "-n", "-r", str(self.path), "-o", "ip.check_checksum:TRUE",
                "-o", "vrrp.v3_checksum_as_in_v2:FALSE", "-Y", display_filter, "-T", "fields",
                *(a for f in fields for a in ("-e", f))]
        done = subprocess.run(argv, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

# SPDX-License-Identifier: BSD-3-Clause
"""Box: one twinwalld of the lab.  Pair: both, and the questions asked about them together."""
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from .config import box_config, to_text
from .netns import process_runs, process_start
from .topology import BOXES, peer
from .wait import Timeout, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 30


def program(name):
    """A built program: of $TWINWALL_BUILD, else of build/."""
    build = Path(os.environ.get("TWINWALL_BUILD", ROOT / "build"))
    found = [p for p in (build / "app" / name, build / "control" / name, build / name)
             if p.is_file()]
    if not found:
        raise FileNotFoundError(f"{build} holds no {name}: run scripts/build")
    return str(found[0])


class Box:
    """A box: "fw1" or "fw2" of a lab.  `config` is a dict; change it before start()."""

    def __init__(self, lab, host, hello_ms=1000):
        self.lab, self.host, self.name = lab, host, host.upper()
        self.config = box_config(host, lab.dir, hello_ms)
        self.config_path = lab.dir / f"{self.name}.conf"
        self.log_path = lab.dir / f"{self.name}.log"
        self.process = None

    def __repr__(self):
        return self.name

    # ---- process ----
    @property
    def pid(self):
        """Process id while it runs, else None; also of a daemon another program started."""
        if self.process is not None:
            return self.process.pid if self.process.poll() is None else None
        return self.lab.noted().get(self.name)

    def write_config(self, text=None):
        self.config_path.write_text(to_text(self.config) if text is None else text)

    def launch(self, *args, **kwargs):
        """Start the daemon on the written configuration and do not wait for it."""
        return self.lab.popen(self.host, program("twinwalld"), "-c", self.config_path, *args,
                              **kwargs)

    def start(self, wait=True):
        """Write the configuration, start, and wait until the console answers."""
        self.write_config()
        with open(self.log_path, "ab") as log:
            self.process = self.launch(stdout=log, stderr=log)
        self.lab.note(self.name, self.process.pid)
        if wait:
            self.wait_ready()

    def answers(self):
        """Does its console work?"""
        return self.command("display version")[0] == 0

    def wait_ready(self):
        def ready():
            if self.process is not None and self.process.poll() is not None:
                raise Timeout(f"{self.name} ended with exit code {self.process.returncode}:\n"
                              + self.log_tail())
            return self.answers()
        wait_until(ready, START_SECONDS, lambda: f"{self.name} answers:\n" + self.log_tail())

    def fails_to_start(self, *args, text=None, timeout=20):
        """Run a daemon that should refuse. => (exit code, what it said on stderr)."""
        self.write_config(text)
        process = self.launch(*args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            _, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            _, err = process.communicate()
            raise AssertionError(f"{self.name} started: {err.decode(errors='replace')}") from None
        return process.returncode, err.decode(errors="replace").strip()

    def signal(self, signum):
        """Send a signal. => the time just before it, in ns."""
        now = time.time_ns()
        pid = self.pid
        if pid is None:
            raise ProcessLookupError(f"{self.name} does not run")
        os.kill(pid, signum)
        return now

    def kill(self):
        now = self.signal(signal.SIGKILL)
        self.reap()
        return now

    def freeze(self):
        return self.signal(signal.SIGSTOP)

    def wake(self):
        return self.signal(signal.SIGCONT)

    def terminate(self, timeout=5):
        """SIGTERM and wait. => (exit code, seconds it took)."""
        start = time.monotonic()
        self.signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        return code, time.monotonic() - start

    def reap(self):
        """Wait for its end."""
        pid = self.pid
        if self.process is not None:
            self.process.wait(5)
        elif pid is not None:
            wait_until(lambda: process_start(pid) is None, 5, f"{self.name} is gone")

    def end(self):
        """Whatever state it is in: gone afterwards."""
        if self.pid is not None:
            self.signal(signal.SIGKILL)
            self.reap()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines=12):
        return "\n".join("    " + line for line in self.log().splitlines()[-lines:])

    # ---- console and JSON ----
    def command(self, text, timeout=5):
        """One console command. => (exit code of twinctl, output)."""
        try:
            done = subprocess.run([program("twinctl"), "-s", self.config["system"]["console_socket"],
                                   "-c", text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return 124, "no answer"
        return done.returncode, done.stdout.decode(errors="replace")

    def show(self, text):
        """A console command that must succeed. => its output."""
        code, out = self.command(text)
        assert code == 0, f"{self.name}: {text}: exit code {code}: {out}"
        return out

    def console(self, timeout=5):
        """A raw connection to the console."""
        return self._connect("console_socket", timeout)

    def json_socket(self, timeout=5):
        """A raw connection to the JSON socket."""
        return self._connect("json_socket", timeout)

    def _connect(self, setting, timeout):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        sock.connect(self.config["system"][setting])
        return sock

    def request(self, request, timeout=5):
        """One JSON request (a dict, without the schema). => the answer as a dict."""
        with self.json_socket(timeout) as sock:
            sock.sendall(json.dumps({"schema": 1, **request}).encode() + b"\n")
            with sock.makefile("rb") as lines:
                return json.loads(lines.readline())

    def rows(self, view, **filters):
        """All rows of a view over JSON."""
        request = {"get": view, **({"filter": filters} if filters else {})}
        rows = []
        while True:
            answer = self.request(request)
            assert answer["ok"], f"{self.name}: {view}: {answer}"
            rows += answer["rows"]
            if "more" not in answer:
                return rows
            request["cursor"] = answer["more"]

    def drops(self):
        """=> {drop reason: packets}."""
        return self.rows("statistics")[0]["drops"]

    def sessions(self, **filters):
        return self.rows("sessions", **filters)

    # ---- accounts ----
    def answering(self):
        """Does it run, and not lie still (SIGSTOP), and may JSON ask it?"""
        return bool(self.config["system"].get("json_socket")) and process_runs(self.pid)

    def wait_accounted(self, timeout=5):
        """Until every packet received and every frame sent is accounted for, which is as soon as
        none is in work: rx = forwarded + answered + punted + held + drops, and tx = forwarded +
        answered + injected + notices + fragments."""
        seen = {}

        def total(*ends):
            return sum(seen[end] for end in ends)

        def accounted():
            seen.update(self.rows("statistics")[0])
            return (seen["rx"] == total("forwarded", "answered", "punted", "held", "dropped") and
                    seen["dropped"] == sum(seen["drops"].values()) and
                    seen["tx"] == total("forwarded", "answered", "injected", "notices",
                                        "fragments"))
        wait_until(accounted, timeout, lambda: f"{self.name}'s packets are accounted for: {seen}")

    def wait_empty(self, timeout=5):
        """End all sessions, and wait until the table is empty, slab and index as well, and no packet
        buffer is missing but those of fragments that wait for the rest of their datagram, or for a
        next hop."""
        seen = {}

        def empty():
            self.command("reset firewall session table")
            seen["sessions"] = self.rows("version")[0]["sessions"]
            seen.update({r["counter"]: r["value"] for r in self.rows("core-statistics")
                         if r["group"] == "memory"})
            return not any(seen[k] for k in ("sessions", "sessions_used", "session_keys",
                                             "packet_buffers_used"))
        wait_until(empty, timeout, lambda: f"{self.name} is as empty as at its start: {seen}")

    # ---- questions ----
    def role(self):
        """ "active", "standby", ... as `display hrp state` says; None while it cannot be asked."""
        found = re.search(r"^\s*Role\s*:\s*([a-z-]+)", self.command("display hrp state", 2)[1], re.M)
        return found.group(1) if found else None

    def synchronised(self):
        """Does the box say that it and its peer hold the same sessions?"""
        out = self.command("display hrp state verbose", 2)[1]
        found = re.search(r"synchroni[sz]ed\s*:?\s*(yes|true|no|false)", out, re.I)
        return bool(found) and found.group(1).lower() in ("yes", "true")

    def vrrp(self):
        """=> {vrid: "active", "standby" or "initialize"}."""
        words = {"master": "active", "backup": "standby"}
        states = {row["vrid"]: row["state"].lower() for row in self.rows("vrrp")}
        return {vrid: words.get(state, state) for vrid, state in states.items()}

    def wait_role(self, role, timeout=10):
        wait_until(lambda: self.role() == role, timeout,
                   lambda: f"{self.name} {role}, it is {self.role()}:\n" + self.log_tail())


class Pair:
    """Both boxes of a lab."""

    def __init__(self, lab, hello_ms=1000, box=Box):
        self.lab, self.hello_ms = lab, hello_ms
        self.boxes = {b: box(lab, b, hello_ms) for b in BOXES}
        self.fw1, self.fw2 = self.boxes["fw1"], self.boxes["fw2"]

    def __iter__(self):
        return iter(self.boxes.values())

    def configure(self, change):
        """change(config dict) on both boxes, before start()."""
        for box in self:
            change(box.config)

    def start(self):
        for box in self:
            box.start(wait=False)
        for box in self:
            box.wait_ready()
        self.wait_formed()

    def end(self):
        for box in self:
            box.end()

    def peer_of(self, box):
        return self.boxes[peer(box.host)]

    def roles(self):
        return {b.name: b.role() for b in self}

    def active(self):
        """The active box, when one is active and the other standby; else None."""
        roles = {b.host: b.role() for b in self}
        for host, role in roles.items():
            if role == "active" and roles[peer(host)] == "standby":
                return self.boxes[host]
        return None

    def wait_config_equal(self, timeout=10):
        """Until both boxes know that their replicated sections are the same."""
        def states():
            return [row["state"] for box in self for row in box.rows("hrp-sync-config")]
        wait_until(lambda: states() == ["equal", "equal"], timeout,
                   lambda: f"both boxes have the same configuration: {states()}\n"
                   + "\n".join(b.name + ":\n" + b.log_tail() for b in self))

    def wait_formed(self, timeout=30, synchronised=True):
        """Until one is active, one standby and (if asked) both synchronised. => the active box."""
        def formed():
            box = self.active()
            ok = box and (not synchronised or all(b.synchronised() for b in self))
            return box if ok else None
        return wait_until(formed, timeout, lambda: "the pair is formed"
                          f"{' and synchronised' if synchronised else ''}: {self.roles()}\n"
                          + "\n".join(b.name + ":\n" + b.log_tail() for b in self), every=0.05)

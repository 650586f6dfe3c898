# SPDX-License-Identifier: BSD-3-Clause
"""bench --bulk: two real daemons, a box with many sessions and one that joins it empty.

The active box of the lab's pair holds --sessions sessions; the other one is killed and started.
What counts is the time from the last look at which the active box knew nothing of it until both boxes
say over JSON that they are synchronised: as many sessions here as there, digests equal.  A box puts
its figures together every 50 ms, and while a bulk keeps the CPU busy this program gets it only
between two turns of the kernel's real-time limit (950 ms): times are too long, never too short.
Messages are encrypted (AES-256-GCM).

The same again while the active box forwards packets of these sessions.  Its worker and the sender,
which sends as fast as it can, have CPU 0; everything else of both boxes, the heartbeat cable and this
program have CPU 1: as on a box with a core for HRP, a bulk takes no CPU from the worker, only caches
and memory.  In a bulk and beside it: time that the worker's thread has had a packet, the kernel's part
included, which is what is judged; the same of the sender, which stands for the network; what was
forwarded by the clock, which is less by the sender's time and by what others take of CPU 0 that
would else run on CPU 1.
"""
import argparse
import collections
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from .box import ROOT, Pair
from .fault_run import BROKEN, in_lab
from .mirror_peers import FIRST, KEPT_S, quiet_server
from .netns import LabError
from .table import table
from .topology import CLIENT, VIPS
from .wait import Timeout, wait_until

SCHEMA = 1
WORKER_CPU, OTHER_CPU = 0, 1
BATCH = 64  # of the sender
HELLO_MS = 100
PASSES = 40
JOIN_S = 60
QUIET_S = 1.5	 # of forwarding before a bulk, and after it
CALM_S = 0.3	 # of it that does not count: what has just begun or ended
SENDING_S = 60	 # at most
MOMENT_S = 0.005  # that figures of one moment are read in
WANTED_S, WANTED_LOSS = 3, 0.05
SECRET = "a secret of the two boxes of the bench"
WORKER = re.compile(r"worker-?3$")  # the thread of lcore 3: app/lcores.h
FORWARDING = (("cost", "worker's time", "ns/packet", {"at_most": 1 + WANTED_LOSS}),
              ("sending", "sender's time", "ns/packet", None),
              ("rate", "forwarded", "packets/s", None),
              ("share", "CPU 0 had by worker and sender", "x", None))
COLUMNS = (("name", "what", "{}"), ("sessions", "sessions", "{}"), ("runs", "runs", "{}"),
           ("least", "min", "{}"), ("middle", "median", "{}"), ("most", "max", "{}"),
           ("unit", "unit", "{}"), ("verdict", "wanted", "{}"))


def say(text):
    print(f"bulk: {text}", file=sys.stderr, flush=True)


def first_row(box, view):
    """Of a view; {} while the box does not answer."""
    try:
        rows = box.rows(view)
    except (OSError, ValueError):
        return {}
    return rows[0] if rows else {}


def known(look):
    """What the active box knows of the other one."""
    return look["peer"], look["out"]


class Bench:
    def __init__(self, lab, sessions):
        self.lab, self.sessions = lab, sessions
        self.pair = Pair(lab, HELLO_MS)
        self.active, self.standby = self.pair.fw1, self.pair.fw2

    def _configure(self, config):
        worker = WORKER_CPU if config["system"]["name"] == self.active.name else OTHER_CPU
        config["system"].update(management_cpu=OTHER_CPU, control_cpu=OTHER_CPU, hrp_cpu=OTHER_CPU,
                                worker_cpus=[worker], sessions=self.sessions + self.sessions // 4,
                                memory_mb=768 + self.sessions // 1000)
        for port in config["ports"]:
            port["devargs"] = port["devargs"].replace(",qpairs=2", "")
        key = self.lab.dir / "bulk.key"
        key.touch(mode=0o600)
        key.write_text(SECRET + "\n")
        config["hrp_security"] = {"keys": [{"id": 1, "file": str(key)}]}
        config["ageing"] = {"dns": KEPT_S}
        config["routes"] = [{"prefix": "10.32.0.0/11", "via": CLIENT}]
        config["security_policy"]["rules"][0]["source_addresses"].append("10.32.0.0/11")

    def start(self):
        self.pair.configure(self._configure)
        quiet_server(self.lab)
        self.pair.start()
        self.active.wait_role("active")

    def sender(self, cpus, *what):
        return self.lab.popen("cli", "taskset", "-c", cpus, ROOT / "build/tests/bench/sender", "eth0",
                              VIPS["in"].mac, FIRST + self.sessions, SENDING_S, *what,
                              stdout=subprocess.DEVNULL)

    def count(self):
        return first_row(self.active, "version").get("sessions")

    def fill(self):
        """The active box has that many sessions, and the other one too."""
        start = time.monotonic()
        for number in range(PASSES):
            sender = self.sender(f"{WORKER_CPU},{OTHER_CPU}", "once", FIRST)
            sender.wait(SENDING_S + 10)
            have = self.count()
            if have == self.sessions:
                break
            say(f"pass {number + 1}: {have} sessions")
        else:
            raise Timeout(f"{have} instead of {self.sessions} sessions")
        self.pair.wait_formed()
        say(f"{have} sessions made in {time.monotonic() - start:.0f} s")

    def look(self):
        """=> what the active box says now and, once it says that all is done, the other one too (until
        then it may be starting, and answers late)."""
        at = time.monotonic()
        here, sent = first_row(self.active, "hrp-state"), first_row(self.active, "hrp-sync")
        seen = {"at": at, "peer": here.get("peer"), "out": sent.get("out"), "done": False, "counts": []}
        if here.get("synchronised") and sent.get("out") == "equal":
            there, got = first_row(self.standby, "hrp-state"), first_row(self.standby, "hrp-sync")
            seen["done"] = there.get("synchronised") is True and got.get("in") == "equal"
            seen["counts"] = [sent[k] for k in ("here", "told", "there")] + \
                [got.get(k) for k in ("here", "copies")]
        return seen

    def join(self, sample=lambda: None):
        """The standby box dies, and joins again. => figures."""
        self.standby.kill()
        alone = wait_until(lambda: self._alone(), 10, "the active box has noticed")
        looks = [alone]
        started = time.monotonic()
        self.standby.start(wait=False)

        def synchronised():
            looks.append(self.look())
            sample()
            return looks[-1]["done"]
        wait_until(synchronised, JOIN_S, lambda: f"both boxes are synchronised: {looks[-1]}",
                   every=0.005)
        end = time.monotonic()
        counts = looks[-1]["counts"]
        if counts != [self.sessions] * len(counts):
            raise LabError(f"synchronised, but here, told, there; here, copies are {counts}")
        last = next(i for i, l in enumerate(looks) if known(l) != known(alone)) - 1
        begin = looks[last]["at"]  # nothing was known of the other box
        gap = max(b["at"] - a["at"] for a, b in zip(looks[last:], looks[last + 1:]))
        said = [(f"{l['at'] - begin:.2f}", *known(l)) for i, l in enumerate(looks)
                if i and known(l) != known(looks[i - 1])]
        say(f"joined and synchronised in {end - begin:.2f} s, {end - started:.2f} s from the start "
            f"of the process: {said}, looks up to {gap * 1000:.0f} ms apart")
        return {"joined_s": end - begin, "started_s": end - started, "begin": begin, "end": end}

    def _alone(self):
        seen = self.look()
        return seen if seen["out"] == "none" else None

    # ---- forwarding ----
    def _forwarded(self):
        """Packets the active box has sent to the server's side."""
        for line in Path(f"/proc/{self.active.pid}/net/dev").read_text().splitlines():
            name, _, rest = line.strip().partition(":")
            if name == "out0":
                return int(rest.split()[9])
        raise LabError("the active box has no port out0")

    def _worker(self):
        for task in Path(f"/proc/{self.active.pid}/task").iterdir():
            if WORKER.search((task / "comm").read_text().strip()):
                return task / "schedstat"
        raise LabError("no worker among the threads of the active box")

    def join_under_traffic(self):
        """=> figures of the join, and of what was forwarded in it and beside it."""
        schedstat, samples = self._worker(), []

        def sample():
            at = time.monotonic()
            taken = Sample(at, self._forwarded(), on_cpu(schedstat),
                           on_cpu(Path(f"/proc/{sender.pid}/schedstat")))
            if time.monotonic() - at <= MOMENT_S:  # else the CPU was taken away in the middle of it
                samples.append(taken)

        def watch(seconds):
            end = time.monotonic() + seconds
            wait_until(lambda: sample() or time.monotonic() >= end, seconds + 5, "samples", every=0.01)

        sender = self.sender(str(WORKER_CPU), "random", FIRST)
        try:
            watch(QUIET_S)
            before = samples[-1].at
            joined = self.join(sample)
            watch(QUIET_S)
        finally:
            sender.terminate()
            sender.wait(10)
        start = samples[0].at
        quiet = [part(samples, start + CALM_S, before),
                 part(samples, joined["end"] + CALM_S, samples[-1].at)]
        bulk = part(samples, joined["begin"], joined["end"])
        figures = {}
        for key, value in bulk.items():
            figures[key] = statistics.mean(q[key] for q in quiet)
            figures[f"{key}_bulk"] = value
            figures[f"{key}_ratio"] = value / figures[key]
        say(f"forwarding: {quiet}, in the bulk {bulk}")
        return {**joined, **figures}


Sample = collections.namedtuple("Sample", "at packets worker_ns sender_ns")


def on_cpu(schedstat):
    """=> ns that a thread has had a CPU."""
    return int(schedstat.read_text().split()[0])


def part(samples, begin, end):
    """What was forwarded between two moments.  => figures"""
    first, last = (max(s for s in samples if s.at <= at) for at in (begin, end))
    if first is last:
        raise LabError(f"one sample in {end - begin:.2f} s of forwarding")
    wall, packets, worker, sender = (b - a for a, b in zip(first, last))
    if packets == 0:
        raise LabError("no packet was forwarded")
    return {"rate": packets / wall, "cost": worker / packets,
            "sending": sender / packets, "share": (worker + sender) / wall / 1e9}


def note(rows, name, sessions, unit, values, at_most=None, at_least=None):
    row = {"part": "bulk", "name": name, "sessions": sessions, "unit": unit, "min": min(values),
           "median": statistics.median(values), "max": max(values), "runs": len(values),
           "values": values}
    for sense, limit in (("at_most", at_most), ("at_least", at_least)):
        if limit is not None:
            reached = row["median"] <= limit if sense == "at_most" else row["median"] >= limit
            row.update(wanted={sense: limit}, reached=reached,
                       verdict=f"{sense.replace('_', ' ')} {limit:g}: {'ok' if reached else 'MISSED'}")
    rows.append(row)


def short(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"


def measure(lab, options, rows):
    bench = Bench(lab, options.sessions)
    n = options.sessions
    try:
        bench.start()
        bench.fill()
        quiet = [bench.join() for _ in range(options.runs)]
        busy = [bench.join_under_traffic() for _ in range(options.runs)]
    finally:
        bench.pair.end()
    for name, done in (("nothing forwarded", quiet), ("forwarding", busy)):
        note(rows, f"join to synchronised, {name}", n, "s", [d["joined_s"] for d in done], WANTED_S)
        note(rows, f"start of the process to synchronised, {name}", n, "s",
             [d["started_s"] for d in done])
    for key, name, unit, wanted in FORWARDING:
        note(rows, f"{name}, no bulk", n, unit, [d[key] for d in busy])
        note(rows, f"{name}, in a bulk", n, unit, [d[f"{key}_bulk"] for d in busy])
        if key != "share":
            note(rows, f"{name}, in a bulk / no bulk", n, "x", [d[f"{key}_ratio"] for d in busy],
                 **wanted or {})


def parse(argv):
    p = argparse.ArgumentParser(prog="bench --bulk", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bulk", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--sessions", type=int, default=1000000, help="a multiple of 64 is taken")
    p.add_argument("--prefix", default="twbulk", help="name of the lab")
    p.add_argument("--json", type=Path)
    options = p.parse_args(argv)
    options.sessions = max(BATCH, options.sessions // BATCH * BATCH)
    options.runs = max(1, options.runs)
    return options


def main(argv=None):
    options = parse(sys.argv[1:] if argv is None else argv)
    if (os.cpu_count() or 1) < 2:
        print("bulk: two CPUs are needed: the worker's and that of the rest", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.sched_setaffinity(0, {OTHER_CPU})  # and whatever is started from here
    rows = []
    try:
        in_lab(options.prefix, lambda lab: measure(lab, options, rows))
    except BROKEN as e:
        print(f"bulk: {type(e).__name__}: {e}", file=sys.stderr)
        return 1
    print(table([{**row, "least": short(row["min"]), "middle": short(row["median"]),
                  "most": short(row["max"])} for row in rows], COLUMNS, ("name", "unit", "verdict")))
    if options.json:
        options.json.write_text(json.dumps({"schema": SCHEMA, "cpus": os.cpu_count(), "rows": rows},
                                           indent=1) + "\n")
    return 0

# SPDX-License-Identifier: BSD-3-Clause
"""The demo: a pair in the lab, real traffic, three kinds of faults, one table.

Each round breaks the box that is active at that moment, at a random phase of its hellos, with a
download, 50 connections and a 1 kHz probe running; then it mends the box and waits until the pair
is whole again.  A figure beyond its limit makes the program fail.
"""
import argparse
import json
import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from . import watch
from .box import Pair
from .measure import Servers, Traffic
from .netns import Lab, LabError
from .table import table
from .tool import ToolError
from .wait import Timeout, wait_until

PREFIX = "twdemo"
BEFORE = 1.5  # seconds of traffic before the fault
AFTER = 3.0	 # and after it
STOPPED = 5.0  # seconds the frozen box sleeps
RATE = 2_000_000
KINDS = ("SIGKILL", "interface", "SIGSTOP")
# name, heading, format
COLUMNS = (
    ("round", "round", "{}"),
    ("kind", "fault", "{}"),
    ("active", "box", "{}"),
    ("gap_ms", "longest gap ms", "{:.1f}"),
    ("lost", "probes lost", "{}"),
    ("connections", "connections kept", "{}"),
    ("download", "download", "{}"),
    ("two_owners_ms", "ms two owners", "{:.1f}"),
    ("no_owner_ms", "ms no owner", "{:.1f}"),
    ("after_cont", "frames after SIGCONT", "{}"),
    ("verdict", "verdict", "{}"),
)


def say(text):
    print(f"demo: {text}", file=sys.stderr, flush=True)


def gap_limit(kind, hello_ms):
    """Longest gap allowed: detection of three missed hellos and one hello to act on it, or an
    announced switch."""
    return 100.0 if kind == "interface" else 4.0 * hello_ms


class Fault:
    """How one kind of fault is made and mended."""

    def __init__(self, kind, lab, box):
        self.kind, self.lab, self.box = kind, lab, box
        self.woken_ns = self.stepped_down_ns = None

    def inject(self):
        """=> the time of the fault in ns."""
        if self.kind == "SIGKILL":
            return self.box.kill()
        if self.kind == "interface":
            return self.lab.plug(self.box.host, "in", False)
        return self.box.freeze()

    def during(self):
        """What happens while the traffic goes on."""
        if self.kind == "SIGSTOP":
            Traffic.flow(STOPPED)
            self.woken_ns = self.box.wake()
            wait_until(lambda: self.box.role() == "standby", 10,
                       lambda: f"{self.box.name} steps down, it is {self.box.role()}:\n"
                       + self.box.log_tail(), every=0.01)
            self.stepped_down_ns = time.time_ns()
        Traffic.flow(AFTER)

    def mend(self):
        if self.kind == "SIGKILL":
            self.box.start()
        elif self.kind == "interface":
            self.lab.plug(self.box.host, "in", True)


def judge(row, hello_ms):
    """=> the reasons why a round is not good."""
    wrong = []
    limit = gap_limit(row["kind"], hello_ms)
    if row["gap_ms"] > limit:
        wrong.append(f"gap of {row['gap_ms']:.1f} ms, at most {limit:.0f} allowed")
    if row["kept"] != row["total"]:
        wrong.append(f"{row['total'] - row['kept']} connections lost: {row['flow_errors']}")
    if row["download"] != "ok":
        wrong.append(f"download: {row['download_error']}")
    if row["two_owners_ms"] > 0:
        wrong.append(f"two owners for {row['two_owners_ms']:.1f} ms")
    if row["no_owner_ms"] is None:
        wrong.append("nobody took the virtual addresses over")
    if row["after_cont"] not in (None, 0):
        wrong.append(f"after SIGCONT: {row['after_cont_frames']}")
    if row["missed_by_observer"]:
        wrong.append(f"the observer missed {row['missed_by_observer']} frames")
    return wrong


def one_round(number, kind, lab, pair, rng, hello_ms):
    """=> (the round's row, the fault, still to be mended)."""
    old = pair.wait_formed()
    new = pair.peer_of(old)
    fault = Fault(kind, lab, old)
    seconds = BEFORE + AFTER + (STOPPED if kind == "SIGSTOP" else 0)
    phase = rng.uniform(0, max(hello_ms, 1000) / 1000)
    with Traffic(lab, download_bytes=int(RATE * (seconds + phase)), download_rate=RATE) as traffic:
        traffic.flow(BEFORE + phase)
        at = fault.inject()
        say(f"round {number}: {kind} on {old.name}, traffic goes on")
        fault.during()
        report = traffic.finish()
    events, probe, flows = report["events"], report["probe"], report["flows"]
    row = {"round": number, "kind": kind, "active": old.name, "gap_ms": probe["gap_ms"],
           "lost": probe["lost"], "sent": probe["sent"], "sender_late_ms": probe["sender_late_ms"],
           "kept": flows["kept"], "total": flows["total"], "flow_errors": flows["errors"],
           "connections": f"{flows['kept']} of {flows['total']}",
           "download": "ok" if report["download"]["ok"] else "BROKEN",
           "download_error": report["download"]["error"],
           "download_bytes": report["download"]["bytes"],
           "missed_by_observer": report["missed_by_observer"],
           "after_cont": None, "after_cont_frames": []}
    row.update(watch.takeovers(events, old.host, new.host, at))
    if fault.woken_ns is not None:
        frames = watch.frames_after(events, old.host, fault.woken_ns, fault.stepped_down_ns)
        row["after_cont"] = len(frames)
        row["after_cont_frames"] = [f"{e.side} {e.kind} {e.text or ''}".strip()
                                    for e in frames[:5]]
    row["wrong"] = judge(row, hello_ms)
    row["verdict"] = "ok" if not row["wrong"] else "FAILED"
    say(f"round {number}: gap {row['gap_ms']:.1f} ms, {row['connections']} connections, "
        f"download {row['download']}: {row['verdict']}")
    for reason in row["wrong"]:
        say(f"    {reason}")
    return row, fault


def summary(rows):
    """Minimum, median and maximum of each kind of fault."""
    out = []
    for kind in KINDS:
        of_kind = [r for r in rows if r["kind"] == kind]
        line = {"kind": kind, "rounds": len(of_kind),
                "failed": sum(bool(r["wrong"]) for r in of_kind)}
        for name in ("gap_ms", "lost", "two_owners_ms", "no_owner_ms"):
            values = [r[name] for r in of_kind if r[name] is not None]
            if values:
                line[name] = "{:.1f} / {:.1f} / {:.1f}".format(
                    min(values), statistics.median(values), max(values))
        if of_kind:
            out.append(line)
    return table(out, (("kind", "fault", "{}"), ("rounds", "rounds", "{}"),
                       ("failed", "failed", "{}"),
                       ("gap_ms", "longest gap ms min / median / max", "{}"),
                       ("lost", "probes lost", "{}"), ("two_owners_ms", "ms two owners", "{}"),
                       ("no_owner_ms", "ms no owner", "{}")))


def run(options, rows, make_pair=Pair):
    """All rounds; each adds its row to `rows`."""
    rng = random.Random(options.seed)
    lab = Lab(options.prefix)
    lab.lock()
    servers = None
    try:
        lab.down()
        lab.up()
        say(f"lab '{lab.prefix}' is up; starting the pair")
        servers = Servers(lab)
        pair = make_pair(lab, options.hello_ms)
        pair.start()
        say(f"{pair.active().name} is active, the pair is synchronised")
        for number in range(1, options.rounds + 1):
            for kind in KINDS:
                row, fault = one_round(number, kind, lab, pair, rng, options.hello_ms)
                rows.append(row)
                fault.mend()
                pair.wait_formed()
    finally:
        # A second Ctrl-C must not leave half a lab behind.
        for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(s, signal.SIG_IGN)
        if servers:
            servers.close()
        if options.keep:
            say(f"the lab stays: scripts/lab --prefix {lab.prefix} status, later down")
        else:
            lab.down()
        lab.unlock()


def interrupted(signum, _frame):
    raise KeyboardInterrupt(signal.Signals(signum).name)


def parse(argv):
    p = argparse.ArgumentParser(prog="demo", description=__doc__.split("\n", 1)[0])
    p.add_argument("--rounds", type=int, default=1, help="times all three faults are made")
    p.add_argument("--hello-ms", type=int, default=100, help="hello interval of the pair")
    p.add_argument("--keep", action="store_true", help="leave lab and pair running at the end")
    p.add_argument("--prefix", default=PREFIX, help="name of the lab")
    p.add_argument("--json", type=Path, help="write all figures to this file")
    p.add_argument("--seed", type=int, default=None, help="of the random phase of the faults")
    return p.parse_args(argv)


def main(argv=None, make_pair=Pair):
    options = parse(argv)
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, interrupted)
    rows, error = [], None
    try:
        run(options, rows, make_pair)
    except KeyboardInterrupt:
        say("interrupted; the lab is removed")
        return 130
    except (LabError, ToolError, Timeout, subprocess.SubprocessError, OSError) as e:
        error = str(e)
    if rows:
        print(table(rows, COLUMNS))
        if options.rounds > 1:
            print()
            print(summary(rows))
    if options.json:
        options.json.write_text(json.dumps({"schema": 1, "hello_ms": options.hello_ms,
                                            "rounds": rows, "error": error}, indent=1) + "\n")
    bad = [r for r in rows if r["wrong"]]
    for r in bad:
        for reason in r["wrong"]:
            print(f"round {r['round']} {r['kind']}: {reason}")
    if error:
        print(f"demo: {error}", file=sys.stderr)
    return 1 if bad or error or not rows else 0

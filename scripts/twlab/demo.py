# SPDX-License-Identifier: BSD-3-Clause
"""The demo: a pair in the lab, real traffic, five kinds of faults, one table.

Each round breaks the box that is active at that moment, at a random phase of its hellos, with a
download through address translation, an FTP transfer with an active data connection, 200 connections
and a 1 kHz probe running; then it mends the box and waits until the pair is whole again.  Then the
same with load sharing, where requests pass FW1 and answers FW2, and each of the four virtual
addresses is watched by itself.  A figure beyond its limit makes the program fail.
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

from . import config as configs, sharing, watch
from .box import START_SECONDS, Pair
from .faults import filled, many
from .ftp import FtpDownload, FtpServer
from .measure import Servers, Traffic
from .netns import Lab, LabError
from .table import table
from .tool import ToolError
from .topology import VIPS, peer
from .wait import Timeout, wait_until

PREFIX = "twdemo"
BEFORE = 1.5  # seconds of traffic before the fault
AFTER = 3.0	 # and after it
STOPPED = 5.0  # seconds the frozen box sleeps
RATE = 2_000_000
KINDS = ("SIGKILL", "interface", "SIGSTOP", "heartbeat", "restart")
SHARED_KINDS = ("SIGKILL", "interface", "heartbeat", "restart")
UNMOVED = ("heartbeat", "restart")	# no role changes: a cable is cut, the peer starts twice
CONNECTIONS = 200
PERIOD = 0.08  # seconds between messages of each end: as many a second as of 50 at the usual one
FTP_RATE = 500_000
WAITING = 40000	 # sessions of the table that a restarted peer is filled with
BULKS = 5  # times it is tried to kill it in the middle of that
# name, heading, format
COLUMNS = (
    ("round", "round", "{}"),
    ("kind", "fault", "{}"),
    ("box", "box", "{}"),
    ("gap_ms", "longest gap ms", "{:.1f}"),
    ("lost", "probes lost", "{}"),
    ("connections", "connections kept", "{}"),
    ("download", "download", "{}"),
    ("ftp", "FTP", "{}"),
    ("copied", "copied at its death", "{}"),
    ("two_owners_ms", "ms two owners", "{:.1f}"),
    ("no_owner_ms", "ms no owner", "{:.1f}"),
    ("after_cont", "frames after SIGCONT", "{}"),
    ("verdict", "verdict", "{}"),
)
# Of each virtual address with load sharing.
ADDRESS_COLUMNS = (
    ("round", "round", "{}"),
    ("kind", "fault", "{}"),
    ("box", "box", "{}"),
    ("address", "virtual address", "{}"),
    ("had", "owner", "{}"),
    ("two_owners_ms", "ms two owners", "{:.1f}"),
    ("no_owner_ms", "ms no owner", "{:.1f}"),
)


def say(text):
    print(f"demo: {text}", file=sys.stderr, flush=True)


def gap_limit(kind, hello_ms, shared=False):
    """Longest gap allowed: detection of three missed hellos and one hello to act on it, or an
    announced switch.  With load sharing the peer has a half of the traffic, and its restart is a death."""
    dead = kind in ("SIGKILL", "SIGSTOP") or (shared and kind == "restart")
    return 4.0 * hello_ms if dead else 100.0


class Fault:
    """How one kind of fault is made and mended."""

    def __init__(self, kind, lab, box, peer):
        self.kind, self.lab, self.box, self.peer = kind, lab, box, peer
        self.woken_ns = self.stepped_down_ns = None
        self.copied = None  # when the peer died in the bulk; "": it never did
        self.deaths_ns = []  # of the peer, but for the first

    def inject(self):
        """=> the time of the fault in ns."""
        if self.kind == "SIGKILL":
            return self.box.kill()
        if self.kind == "interface":
            return self.lab.plug(self.box.host, "in", False)
        if self.kind == "heartbeat":
            self.lab.heartbeat(False, ["hb0"])
            return time.time_ns()
        if self.kind == "restart":
            return self.peer.kill()
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
        if self.kind == "restart":
            self.die_in_bulk()
            self.peer.start()
        Traffic.flow(AFTER)

    def die_in_bulk(self):
        """The peer comes back to a large table, and dies again while it is being filled."""
        many(self.lab, WAITING)
        total = filled(self.box)
        for _ in range(BULKS):
            self.peer.start(wait=False)
            wait_until(lambda: self.peer.answers() and filled(self.peer), START_SECONDS,
                       "the peer is being filled", every=0)
            copied = filled(self.peer)
            self.deaths_ns.append(self.peer.kill())
            self.copied = f"{copied} of {total}"
            if copied < total:
                return
        self.copied = ""

    def mend(self):
        if self.kind == "SIGKILL":
            self.box.start()
        elif self.kind == "interface":
            self.lab.plug(self.box.host, "in", True)
        elif self.kind == "heartbeat":
            self.lab.heartbeat(True, ["hb0"])


def judge(row, hello_ms):
    """=> the reasons why a round is not good."""
    wrong = []
    limit = gap_limit(row["kind"], hello_ms, row["sharing"])
    if row["gap_ms"] > limit:
        wrong.append(f"gap of {row['gap_ms']:.1f} ms, at most {limit:.0f} allowed")
    if row["kept"] != row["total"]:
        wrong.append(f"{row['total'] - row['kept']} connections lost: {row['flow_errors']}")
    if row["download"] != "ok":
        wrong.append(f"download: {row['download_error']}")
    if row["copied"] == "":
        wrong.append("the peer never died in the bulk")
    if row["ftp"] != "ok":
        wrong.append(f"FTP: {row['ftp_error']}")
    if row["sharing"]:
        wrong += [reason for a in row["addresses"] for reason in judge_address(a, row)]
    elif (row["two_owners_ms"] or 0) > 0:
        wrong.append(f"two owners for {row['two_owners_ms']:.1f} ms")
    elif row["no_owner_ms"] is None and row["kind"] not in UNMOVED:
        wrong.append("nobody took the virtual addresses over")
    if row["after_cont"] not in (None, 0):
        wrong.append(f"after SIGCONT: {row['after_cont_frames']}")
    if row["missed_by_observer"]:
        wrong.append(f"the observer missed {row['missed_by_observer']} frames")
    return wrong


def judge_address(a, row):
    """One virtual address with load sharing: those of the broken box go to its peer, and home again
    when it comes back meanwhile; the others stay.  There is always a path between the boxes."""
    wrong = []
    home = a["of"]
    moved = [home, peer(home)]
    good = [[home]]
    if home == row["broken"] and row["kind"] != "heartbeat":
        good = [moved, [*moved, home]] if row["kind"] == "restart" else [moved]
    if a["two_owners_ms"] > 0:
        wrong.append(f"two owners of {a['address']} for {a['two_owners_ms']:.1f} ms")
    if a["owners"] not in good:
        wrong.append(f"{a['address']} was owned by {a['had']}")
    return wrong


def address_rows(rows):
    """=> for the second table."""
    return [{**{k: row[k] for k in ("round", "kind", "box")}, **a}
            for row in rows for a in row.get("addresses", ())]


def shared_owners(events, faults):
    """=> what the round's row says of the virtual addresses: each, and the worst of all."""
    addresses = sharing.owners(events, faults)
    for a in addresses:
        a["had"] = ", ".join(o.upper() for o in a["owners"])
    return {"addresses": addresses,
            "two_owners_ms": max(a["two_owners_ms"] for a in addresses),
            "no_owner_ms": max((a["no_owner_ms"] for a in addresses if a["no_owner_ms"] is not None),
                               default=None)}


def one_round(number, kind, lab, pair, rng, hello_ms, ftp, shared=False):
    """=> (the round's row, the fault, still to be mended)."""
    old = pair.boxes[rng.choice(list(pair.boxes))] if shared else pair.wait_formed()
    new = pair.peer_of(old)
    fault = Fault(kind, lab, old, new)
    broken = new if kind == "restart" else old
    seconds = BEFORE + AFTER + (STOPPED if kind == "SIGSTOP" else 0)
    phase = rng.uniform(0, max(hello_ms, 1000) / 1000)
    with Traffic(lab, connections=CONNECTIONS, period=PERIOD, download_bytes=int(RATE * (seconds + phase)),
                 download_rate=RATE) as traffic:
        transfer = FtpDownload(lab, ftp, FTP_RATE)
        traffic.flow(BEFORE + phase)
        at = fault.inject()
        say(f"round {number}: {kind} on {broken.name}, traffic goes on")
        fault.during()
        report = traffic.finish()
        transferred = transfer.finish()
    events, probe, flows = report["events"], report["probe"], report["flows"]
    row = {"round": number, "kind": kind, "sharing": shared, "broken": broken.host,
           "box": "both, " + broken.name if shared else broken.name,
           "ftp": "ok" if transferred["ok"] else "BROKEN", "ftp_error": transferred["error"],
           "copied": fault.copied, "two_owners_ms": None, "no_owner_ms": None,
           "gap_ms": probe["gap_ms"],
           "lost": probe["lost"], "sent": probe["sent"], "sender_late_ms": probe["sender_late_ms"],
           "kept": flows["kept"], "total": flows["total"], "flow_errors": flows["errors"],
           "connections": f"{flows['kept']} of {flows['total']}",
           "download": "ok" if report["download"]["ok"] else "BROKEN",
           "download_error": report["download"]["error"],
           "download_bytes": report["download"]["bytes"],
           "missed_by_observer": report["missed_by_observer"],
           "after_cont": None, "after_cont_frames": []}
    if shared:
        row.update(shared_owners(events, [at, *fault.deaths_ns]))
    elif kind not in UNMOVED:
        row.update(watch.takeovers(events, old.host, new.host, at))
    if fault.woken_ns is not None:
        frames = watch.frames_after(events, old.host, fault.woken_ns, fault.stepped_down_ns)
        row["after_cont"] = len(frames)
        row["after_cont_frames"] = [f"{e.side} {e.kind} {e.text or ''}".strip()
                                    for e in frames[:5]]
    row["wrong"] = judge(row, hello_ms)
    row["verdict"] = "ok" if not row["wrong"] else "FAILED"
    say(f"round {number}: gap {row['gap_ms']:.1f} ms, {row['connections']} connections, "
        f"download {row['download']}, FTP {row['ftp']}: {row['verdict']}")
    for reason in row["wrong"]:
        say(f"    {reason}")
    return row, fault


def summary(rows):
    """Minimum, median and maximum of each kind of fault."""
    out = []
    for kind, shared in [*((k, False) for k in KINDS), *((k, True) for k in SHARED_KINDS)]:
        of_kind = [r for r in rows if r["kind"] == kind and r["sharing"] == shared]
        line = {"kind": kind + (", both" if shared else ""), "rounds": len(of_kind),
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


def prepare(config):
    """Two heartbeat cables, the FTP of the transfer is read, downloads are translated."""
    configs.add_second_heartbeat(config)
    config["alg"] = {"ftp": True}
    sharing.translate(config, VIPS["out"].vrid)


def prepare_shared(config):
    configs.add_second_heartbeat(config)
    config["alg"] = {"ftp": True}
    sharing.share(config)


def run(options, rows, make_pair=Pair):
    """All rounds; each adds its row to `rows`."""
    rng = random.Random(options.seed)
    lab = Lab(options.prefix)
    lab.lock()
    servers = ftp = None
    try:
        lab.down()
        lab.up()
        lab.second_heartbeat()
        say(f"lab '{lab.prefix}' is up; starting the pair")
        servers = Servers(lab, PERIOD)
        ftp = FtpServer(lab, int(FTP_RATE * (BEFORE + AFTER)))
        pair = make_pair(lab, options.hello_ms)
        pair.configure(prepare)
        pair.start()
        say(f"{pair.active().name} is active, the pair is synchronised")
        for number in range(1, options.rounds + 1):
            for kind in KINDS:
                row, fault = one_round(number, kind, lab, pair, rng, options.hello_ms, ftp)
                rows.append(row)
                fault.mend()
                pair.wait_formed()
        pair.end()
        pair = make_pair(lab, options.hello_ms)
        pair.configure(prepare_shared)
        sharing.cross(lab)
        sharing.start(pair)
        say("load sharing: both are active, requests pass FW1 and answers FW2")
        for number in range(1, options.rounds + 1):
            for kind in SHARED_KINDS:
                row, fault = one_round(number, kind, lab, pair, rng, options.hello_ms, ftp, True)
                rows.append(row)
                fault.mend()
                sharing.wait_shared(pair)
    finally:
        # A second Ctrl-C must not leave half a lab behind.
        for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(s, signal.SIG_IGN)
        if servers:
            servers.close()
        if ftp:
            ftp.close()
        if options.keep:
            say(f"the lab stays: scripts/lab --prefix {lab.prefix} status, later down")
        else:
            lab.down()
        lab.unlock()


def interrupted(signum, _frame):
    raise KeyboardInterrupt(signal.Signals(signum).name)


def parse(argv):
    p = argparse.ArgumentParser(prog="demo", description=__doc__.split("\n", 1)[0])
    p.add_argument("--rounds", type=int, default=1, help="times all faults are made")
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
        if addresses := address_rows(rows):
            print()
            print(table(addresses, ADDRESS_COLUMNS))
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

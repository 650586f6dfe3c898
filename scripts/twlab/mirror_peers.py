# SPDX-License-Identifier: BSD-3-Clause
"""bench --mirror-peers: how fast states reach the other box, beside conntrackd on the same lab.

Three works.  "live": a sender makes UDP flows through the first box of the lab's pair, as fast as it
can for a second; what counts is the time from its first packet until the second box has every state
the first one has.  On few CPUs the sender and the making of states are what takes the time.  "fill":
the second box loses what it has (a restart; conntrackd: its external cache is flushed and asked for
again) while the first one holds the states of some seconds; what counts is the time from the last
look at which nothing was sent to it (conntrackd: from the request) until it has all of them again.  Nobody
sends then: this is the mirror alone.  Each of our boxes has a CPU for its HRP core then; the kernel
chooses those of conntrackd.  And "live" once more, ours only, over heartbeat cables that lose and
reorder: how long after the last state all are there and acknowledged, and the mirror's lag.

conntrackd runs in FTFW mode over the same heartbeat cable, beside kernel routers that track
connections; its netlink buffers may grow so far that no event is lost.  It runs in both ways that it
has: without its external cache what comes goes into the kernel's table, as with us into the table that
forwards; with it (its default) a takeover puts all of it there (commit).  Ours has nothing to put
anywhere: the gap after a kill is measured with and without those states.
"""
import argparse
import copy
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from . import faults
from .box import ROOT
from .fault_run import in_lab, make_pair, mend, one_round
from .measure import Servers
from .netns import LabError
from .peers import CONNTRACK, Settings
from .table import table
from .topology import BOX_ADDRESS, BOXES, CLIENT, SERVER, SIDES, VIPS
from .wait import Timeout, wait_until

STATES = 2000000  # room for them
FIRST = 1 << 21	 # flows of 10.32.1.0 and up: no address of the lab
SECONDS = 1
FILL_SECONDS = 6  # of sending, for a table to fill the other box with
COPIED_S = 120
OTHER_CPUS = {"hrp_cpu": 0, "management_cpu": 1, "control_cpu": 1, "worker_cpus": [1]}
LOST, REORDERED = 1, 5  # percent of the heartbeat's frames
KEPT_S = 900  # states are kept for longer than all of it takes
SERVICE_DROP = "udp dport 53 ip saddr 10.32.0.0/11 drop"
COLUMNS = (("peer", "pair", "{}"), ("work", "work", "{}"), ("runs", "runs", "{}"),
           ("states", "states, median", "{:.0f}"), ("made", "made a second", "{:.0f}"),
           ("rate", "copied a second", "{:.0f}"), ("worst", "worst run", "{:.0f}"),
           ("takeover", "at a takeover", "{}"))


def say(text):
    print(f"mirror-peers: {text}", file=sys.stderr, flush=True)


def quiet_server(lab):
    """The server's kernel need not answer that its port is closed."""
    lab.run("srv", "nft", "-f", "-", input=f"""
        table netdev quiet {{ chain ingress {{
            type filter hook ingress device "eth0" priority 0;
            {SERVICE_DROP}
        }}
        }}""")


def send(lab, mac, first, here, there, seconds=SECONDS):
    """New states. => (states, a second made, a second copied, first of the next flows)"""
    base_here, base_there = here(), there()
    start = time.monotonic()
    sender = lab.popen("cli", ROOT / "build/tests/bench/sender", "eth0", mac, 1, seconds, "new", first,
                       stdout=subprocess.PIPE, text=True)
    seen, made, stands = [], 0, 0  # (s, states copied); looks in which no more were made

    def whole():
        nonlocal made, stands
        seen.append((time.monotonic() - start, there() - base_there))
        now = here() - base_here
        made, stands = now, stands + 1 if now == made else 0
        return sender.poll() is not None and stands >= 3 and seen[-1][1] >= made
    wait_until(whole, COPIED_S, lambda: f"all states are copied: {seen[-1][1]} of {made}", every=0.05)
    sent, took, last = (int(word) for word in sender.communicate()[0].split())
    copied = next(t for t, n in seen if n >= made)
    say(f"{sent} sent in {took / 1e9:.2f} s, {made} states, all copied {copied:.2f} s from the start")
    return made, made / (took / 1e9), made / copied, last


def filled(here, there, lose):
    """The second box loses its states and asks for them. => (states, None, a second copied)"""
    wanted = here()
    asked = lose()
    none, seen = asked, 0  # begin of the last look at which nothing was there

    def whole():
        nonlocal none, seen
        begin, seen = time.monotonic(), there()
        none = none if seen else begin
        return seen >= wanted
    wait_until(whole, COPIED_S, lambda: f"the other box is filled: {seen} of {wanted}", every=0.02)
    took = time.monotonic() - none
    say(f"{wanted} states copied in {took:.2f} s")
    return wanted, None, wanted / took


class Conntrackd:
    """Kernel routers with connection tracking, and conntrackd between them."""

    def __init__(self, lab, cache):
        self.lab, self.cache, self.daemons = lab, cache, []

    def _config(self, box):
        own, other = BOX_ADDRESS[box]["hb"], BOX_ADDRESS[BOXES[1 - BOXES.index(box)]]["hb"]
        run = self.lab.dir
        return f"""
Sync {{
    Mode FTFW {{ DisableExternalCache {"off" if self.cache else "on"} }}
    UDP {{
        IPv4_address {own}
        IPv4_Destination_Address {other}
        Port 3780
        Interface hb0
        SndSocketBuffer 16777216
        RcvSocketBuffer 16777216
        Checksum on
    }}
}}
General {{
    HashSize 262144
    HashLimit {2 * STATES}
    LogFile {run}/{box}.conntrackd.log
    LockFile {run}/{box}.conntrackd.lock
    UNIX {{ Path {run}/{box}.ctl }}
    NetlinkBufferSize 67108864
    NetlinkBufferSizeMaxGrowth 1073741824
}}
"""

    def start(self):
        lab = self.lab
        for box in BOXES:
            for side in SIDES:
                lab.run(box, "ip", "link", "set", f"{side}0", "arp", "on", "multicast", "on")
                lab.run(box, "ip", "addr", "add", f"{BOX_ADDRESS[box][side]}/24", "dev", f"{side}0")
            lab.run(box, "ip", "link", "set", "hb0", "arp", "on")
            lab.run(box, "ip", "addr", "add", f"{BOX_ADDRESS[box]['hb']}/24", "dev", "hb0")
            lab.run(box, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; "
                    f"echo {KEPT_S} >/proc/sys/net/netfilter/nf_conntrack_udp_timeout")
            lab.run(box, "ip", "route", "add", "10.32.0.0/11", "via", CLIENT)
            # The traffic between the boxes is not to be tracked, as conntrackd's page says.
            lab.run(box, "nft", "-f", "-", input="""
                table ip filter {
                    chain raw { type filter hook prerouting priority raw; iifname "hb0" notrack; }
                    chain out { type filter hook output priority raw; oifname "hb0" notrack; }
                    chain forward { type filter hook forward priority 0; policy drop;
                        ct state established,related accept
                        iifname "in0" ct state new accept; }
                }""")
            path = lab.dir / f"{box}.conntrackd"
            path.write_text(self._config(box))
            with open(lab.dir / f"{box}.conntrackd.out", "ab") as log:
                self.daemons.append(lab.popen(box, "conntrackd", "-C", path, stdout=log, stderr=log))
            lab.note(f"{box}.conntrackd", self.daemons[-1].pid)
        for box in BOXES:
            wait_until(lambda b=box: self.control(b, "-s", check=False).returncode == 0, 10,
                       f"conntrackd of {box} answers")
        lab.run("fw1", "ping", "-c1", "-W5", SERVER)  # the way is known

    def control(self, box, *what, check=True):
        return self.lab.run(box, "conntrackd", "-C", self.lab.dir / f"{box}.conntrackd", *what,
                            check=check)

    def kernel(self, box):
        return int(self.lab.run(box, "cat", CONNTRACK / "nf_conntrack_count").stdout)

    def copies(self):
        if not self.cache:
            return self.kernel("fw2")
        found = re.search(r"cache external:\s+current active connections:\s+(\d+)",
                          self.control("fw2", "-s").stdout)
        return int(found[1]) if found else 0

    def commit(self):
        """=> ms until the second kernel has what its cache has."""
        wanted, start = self.copies(), time.monotonic()
        self.control("fw2", "-c")
        wait_until(lambda: self.kernel("fw2") >= wanted, COPIED_S, "the cache is committed", every=0.005)
        return (time.monotonic() - start) * 1000, wanted

    def lose(self):
        """The second box forgets its copies, and asks for all of them. => when it asked"""
        if self.cache:
            self.control("fw2", "-f", "external")
        else:
            self.lab.run("fw2", "conntrack", "-F")
        wait_until(lambda: self.copies() == 0, 10, "the other box has no states")
        asked = time.monotonic()
        self.control("fw2", "-n")
        return asked

    def mac(self):
        return self.lab.run("fw1", "cat", "/sys/class/net/in0/address").stdout.strip()

    def stop(self):
        for daemon in self.daemons:
            daemon.terminate()
            daemon.wait(10)


def theirs(lab, options, rows, cache):
    done, fills, commits = [], [], []
    for _ in range(options.runs):  # each on a lab of its own: its caches begin empty
        pair = Conntrackd(lab, cache)
        quiet_server(lab)
        pair.start()
        try:
            done.append(send(lab, pair.mac(), FIRST, lambda: pair.kernel("fw1"), pair.copies))
            if cache:
                commits.append(pair.commit())
            send(lab, pair.mac(), done[-1][3], lambda: pair.kernel("fw1"), pair.copies, FILL_SECONDS)
            fills.append(filled(lambda: pair.kernel("fw1"), pair.copies, pair.lose))
        finally:
            pair.stop()
            lab.down()
            lab.up()
    takeover = "nothing to commit"
    if cache:
        ms, states = (statistics.median(c[i] for c in commits) for i in (0, 1))
        takeover = f"commit of {states:.0f}: {ms:.0f} ms"
    name = "conntrackd" if cache else "conntrackd, no external cache"
    note(rows, name, "live", done, takeover, commit_ms=[c[0] for c in commits])
    note(rows, name, "fill", fills)


def widen(config):
    config["system"].update(sessions=STATES, memory_mb=2048)
    config["ageing"] = {"dns": KEPT_S}
    config["routes"] = [{"prefix": "10.32.0.0/11", "via": CLIENT}]
    config["security_policy"]["rules"][0]["source_addresses"].append("10.32.0.0/11")


def kills(pair, options, before):
    """=> the longest gap of each kill of the active box; before() comes ahead of each."""
    gaps, rng = [], random.Random(options.runs)
    for _ in range(options.runs):
        pair.whole(None)
        before()
        row = one_round(faults.TABLE["X16"], pair, rng)
        if row["wrong"]:
            say(f"a killed box: {row['wrong'][0]}")
            mend(pair)
        if "gap_ms" in row:
            gaps.append(row["gap_ms"])
    return gaps


def lossy(pair, first):
    """New states while the heartbeat cables lose and reorder.
    => (states, ms from the sender's end until all are there and acknowledged, lag row, next flow)"""
    active = pair.active()
    standby = pair.peer_of(active)
    pair.breaks.relay(reorder=REORDERED)
    for box in BOXES:  # behind the relay, which reads frames before a filter does
        pair.breaks.lose_to(box, pair.lab.cables, f"numgen random mod 100 < {LOST} drop")
    try:
        before = count(active)
        sender = pair.lab.popen("cli", ROOT / "build/tests/bench/sender", "eth0", VIPS["in"].mac, 1,
                                SECONDS, "new", first, stdout=subprocess.PIPE, text=True)
        last = int(sender.communicate()[0].split()[2])
        end, row = time.monotonic(), {}

        def equal():
            nonlocal row
            row = session_row(active)
            return row["told"] == row["here"] and not row["unacked"] and count(standby) == row["here"]
        wait_until(equal, COPIED_S, lambda: f"all states are there: {row}", every=0.01)
        ms = (time.monotonic() - end) * 1000
        say(f"{row['here'] - before} states, {LOST} % lost, {REORDERED} % reordered: equal {ms:.0f} ms after "
            f"the last, lag {row['lag_median_ms']} ms, {row['resent']} frames sent again")
        return row["here"] - before, ms, row, last
    finally:
        pair.breaks.clear()


def session_row(box):
    return next(r for r in box.rows("hrp-sync") if r["table"] == "session")


def told(active, standby):
    """Sessions of a box that fills another; none before it begins, and some until it has told all: one
    that is starting answers late."""
    row = session_row(active)
    if row["out"] == "none":
        return 0
    return standby.rows("version")[0]["sessions"] if row["told"] == row["here"] else 1


def count(box):
    """Sessions of a box; none while it starts."""
    return box.rows("version")[0]["sessions"] if box.answers() else 0


def ours(lab, options, rows):
    pair = make_pair(lab, 100)
    pair.configure(widen)
    quiet_server(lab)
    pair.start()
    servers = Servers(lab)
    try:
        first = FIRST

        def fill(seconds=SECONDS):
            nonlocal first
            active = pair.active()
            standby = pair.peer_of(active)
            made = send(lab, VIPS["in"].mac, first, lambda: count(active), lambda: count(standby), seconds)
            first = made[3]  # flows that are in no table yet
            return made

        def empty_tables():
            nonlocal first
            pair.end()
            first = FIRST
        done, fills = [], []
        for _ in range(options.runs):
            empty_tables()
            pair.whole(None)
            done.append(fill())
            fill(FILL_SECONDS)
            active = pair.active()
            standby = pair.peer_of(active)

            def lose(active=active, box=standby):
                box.kill()
                wait_until(lambda: session_row(active)["out"] == "none", 10, "the active box has noticed")
                usual, box.config = box.config, copy.deepcopy(box.config)
                box.config["system"].update(OTHER_CPUS)
                for port in box.config["ports"]:
                    port["devargs"] = port["devargs"].replace(",qpairs=2", "")
                box.start(wait=False)
                box.config = usual
                return time.monotonic()
            fills.append(filled(lambda: count(active), lambda: told(active, standby), lose))
        bad = []
        for _ in range(options.runs):
            empty_tables()
            pair.whole(None)
            bad.append(lossy(pair, first))
        lags = [b[2]["lag_median_ms"] for b in bad]
        rows.append({"peer": "Twinwall", "work": f"live, {LOST} % lost, {REORDERED} % reordered",
                     "runs": len(bad), "states": statistics.median(b[0] for b in bad), "made": None,
                     "rate": None, "worst": None, "equal_ms": [b[1] for b in bad], "lag_median_ms": lags,
                     "takeover": f"equal {statistics.median(b[1] for b in bad):.0f} ms after the last one "
                                 f"(worst {max(b[1] for b in bad):.0f}), lag {statistics.median(lags):.1f} ms"})
        empty_tables()
        empty = kills(pair, options, lambda: None)
        states = []
        empty_tables()
        full = kills(pair, options, lambda: states.append(fill()[0]))
        note(rows, "Twinwall", "live", done, f"gap {statistics.median(full):.0f} ms with "
             f"{statistics.median(states):.0f} states, {statistics.median(empty):.0f} with none",
             gaps_full=full, gaps_empty=empty)
        note(rows, "Twinwall", "fill", fills)
    finally:
        servers.close()
        pair.end()


def note(rows, peer, work, done, takeover="", **more):
    rates, made = [d[2] for d in done], [d[1] for d in done if d[1] is not None]
    rows.append({"peer": peer, "work": work, "runs": len(done),
                 "states": statistics.median(d[0] for d in done),
                 "made": statistics.median(made) if made else None, "rate": statistics.median(rates),
                 "worst": min(rates), "takeover": takeover, "rates": rates, **more})


def parse(argv):
    p = argparse.ArgumentParser(prog="bench --mirror-peers", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--mirror-peers", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--prefix", default="twmirror", help="name of the lab")
    p.add_argument("--json", type=Path)
    return p.parse_args(argv)


def main(argv=None):
    options = parse(sys.argv[1:] if argv is None else argv)
    if not shutil.which("conntrackd"):
        print("mirror-peers: missing: apt-get install conntrackd", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    settings, rows = Settings(), []
    try:
        settings.set(CONNTRACK / "nf_conntrack_max", 2 * STATES)
        settings.set(CONNTRACK / "nf_conntrack_buckets", STATES // 2)
        in_lab(options.prefix, lambda lab: ours(lab, options, rows))
        for cache in (False, True):
            in_lab(options.prefix, lambda lab, c=cache: theirs(lab, options, rows, c))
    except (LabError, Timeout, OSError, subprocess.SubprocessError) as e:
        print(f"mirror-peers: {e}", file=sys.stderr)
        return 1
    finally:
        settings.restore()
    print(table(rows, COLUMNS, ("peer", "work", "takeover")))
    for work in ("live", "fill"):
        own, *peers = (row for row in rows if row["work"] == work)
        for row in peers:
            print(f"{work}: {own['rate'] / row['rate']:.1f} x the states a second of {row['peer']}")
    if options.json:
        options.json.write_text(json.dumps({"schema": 1, "cpus": os.cpu_count(), "rows": rows},
                                           indent=1) + "\n")
    return 0

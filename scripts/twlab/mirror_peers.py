# SPDX-License-Identifier: BSD-3-Clause
"""bench --mirror-peers: how fast states reach the other box, beside conntrackd on the same lab.

A sender makes UDP flows through the first box of the lab's pair, as fast as it can for a second.
What counts is the time from its first packet until the second box has every state the first one
has.  conntrackd runs in FTFW mode with its external cache, over the same heartbeat cable, beside
kernel routers that track connections; its netlink buffers may grow so far that no event is lost.

At a takeover conntrackd puts its external cache into the kernel's table (commit); ours has nothing
to put anywhere: the gap after a kill is measured with and without those states.
"""
import argparse
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
COPIED_S = 120
SERVICE_DROP = "udp dport 53 ip saddr 10.32.0.0/11 drop"
COLUMNS = (("peer", "pair", "{}"), ("runs", "runs", "{}"), ("states", "states, median", "{:.0f}"),
           ("made", "made a second", "{:.0f}"), ("rate", "copied a second", "{:.0f}"),
           ("worst", "worst run", "{:.0f}"), ("takeover", "at a takeover", "{}"))


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


def send(lab, mac, first, here, there):
    """States for a second. => (states, a second made, a second copied, first of the next flows)"""
    base_here, base_there = here(), there()
    start = time.monotonic()
    sender = lab.popen("cli", ROOT / "build/tests/bench/sender", "eth0", mac, 1, SECONDS, "new", first,
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


class Conntrackd:
    """Kernel routers with connection tracking, and conntrackd between them."""

    def __init__(self, lab):
        self.lab, self.daemons = lab, []

    def _config(self, box):
        own, other = BOX_ADDRESS[box]["hb"], BOX_ADDRESS[BOXES[1 - BOXES.index(box)]]["hb"]
        run = self.lab.dir
        return f"""
Sync {{
    Mode FTFW {{ }}
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
            lab.run(box, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
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
        found = re.search(r"cache external:\s+current active connections:\s+(\d+)",
                          self.control("fw2", "-s").stdout)
        return int(found[1]) if found else 0

    def commit(self):
        """=> ms until the second kernel has what its cache has."""
        wanted, start = self.copies(), time.monotonic()
        self.control("fw2", "-c")
        wait_until(lambda: self.kernel("fw2") >= wanted, COPIED_S, "the cache is committed", every=0.005)
        return (time.monotonic() - start) * 1000, wanted

    def mac(self):
        return self.lab.run("fw1", "cat", "/sys/class/net/in0/address").stdout.strip()

    def stop(self):
        for daemon in self.daemons:
            daemon.terminate()
            daemon.wait(10)


def theirs(lab, options, rows):
    done, commits = [], []
    for _ in range(options.runs):  # each on a lab of its own: its caches begin empty
        pair = Conntrackd(lab)
        quiet_server(lab)
        pair.start()
        try:
            done.append(send(lab, pair.mac(), FIRST, lambda: pair.kernel("fw1"), pair.copies))
            commits.append(pair.commit())
        finally:
            pair.stop()
            lab.down()
            lab.up()
    ms, states = statistics.median(c[0] for c in commits), statistics.median(c[1] for c in commits)
    note(rows, "conntrackd, FTFW", done, f"commit of {states:.0f}: {ms:.0f} ms",
         commit_ms=[c[0] for c in commits])


def widen(config):
    config["system"].update(sessions=STATES, memory_mb=2048)
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


def ours(lab, options, rows):
    pair = make_pair(lab, 100)
    pair.configure(widen)
    quiet_server(lab)
    pair.start()
    servers = Servers(lab)
    try:
        def fill(first=FIRST):
            active = pair.active()
            standby = pair.peer_of(active)
            def count(box):
                return lambda: box.rows("version")[0]["sessions"]
            return send(lab, VIPS["in"].mac, first, count(active), count(standby))
        done = []
        for _ in range(options.runs):
            pair.end()
            pair.whole(None)
            done.append(fill())
        pair.end()
        empty = kills(pair, options, lambda: None)
        states = []
        pair.end()
        full = kills(pair, options, lambda: states.append(fill()[0]))
        note(rows, "Twinwall", done, f"gap {statistics.median(full):.0f} ms with "
             f"{statistics.median(states):.0f} states, {statistics.median(empty):.0f} with none",
             gaps_full=full, gaps_empty=empty)
    finally:
        servers.close()
        pair.end()


def note(rows, peer, done, takeover, **more):
    rates = [d[2] for d in done]
    rows.append({"peer": peer, "runs": len(done), "states": statistics.median(d[0] for d in done),
                 "made": statistics.median(d[1] for d in done), "rate": statistics.median(rates),
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
        in_lab(options.prefix, lambda lab: theirs(lab, options, rows))
    except (LabError, Timeout, OSError, subprocess.SubprocessError) as e:
        print(f"mirror-peers: {e}", file=sys.stderr)
        return 1
    finally:
        settings.restore()
    print(table(rows, COLUMNS, ("peer", "takeover")))
    print(f"ours to conntrackd: {rows[0]['rate'] / rows[1]['rate']:.1f} x states a second")
    if options.json:
        options.json.write_text(json.dumps({"schema": 1, "cpus": os.cpu_count(), "rows": rows},
                                           indent=1) + "\n")
    return 0

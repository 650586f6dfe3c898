# SPDX-License-Identifier: BSD-3-Clause
"""scripts/faults --figures: the common faults many times, beside a pair of kernel routers with
keepalived on the same lab under the same traffic.

keepalived runs VRRPv3 at the same interval, one sync group of both sides, and tracks both
interfaces; its kernels forward without looking.  Its daemon can die alone, ours takes the forwarding
along: the fair neighbour of our killed box is a kernel router whose every cable is cut.
"""
import json
import random
import shutil
import signal
import statistics
import sys

from . import faults, watch
from .fault_run import in_lab, make_pair, mend, one_round, say
from .measure import Servers, Traffic
from .rounds import BEFORE, RATE
from .table import table
from .topology import BOX_ADDRESS, BOXES, SIDES, VIPS
from .wait import wait_until

AFTER = 1.0
CONNECTIONS = 20
COLUMNS = (("work", "what happens", "{}"), ("peer", "pair", "{}"), ("rounds", "rounds", "{}"),
           ("gap", "longest gap ms, median", "{:.1f}"), ("gap_worst", "worst", "{:.1f}"),
           ("lost", "packets lost, median", "{:.0f}"), ("lost_worst", "worst", "{:.0f}"),
           ("two_owners", "ms two owners, worst", "{:.1f}"), ("kept", "connections kept", "{}"))


class Keepalived:
    """The lab's boxes as kernel routers."""

    def __init__(self, lab, hello_ms):
        self.lab, self.hello_ms = lab, hello_ms
        self.daemons = {}

    def _config(self, box):
        instances = "".join(f"""
vrrp_instance {side} {{
    state BACKUP
    interface {side}0
    virtual_router_id {VIPS[side].vrid}
    priority {120 if box == "fw1" else 100}
    advert_int {self.hello_ms / 1000:g}
    virtual_ipaddress {{ {VIPS[side].address}/24 dev {side}0 }}
}}""" for side in SIDES)
        return f"""
global_defs {{
    router_id {box}
    vrrp_version 3
    vrrp_garp_master_delay 1
}}
vrrp_sync_group both {{ group {{ {" ".join(SIDES)} }} }}{instances}
"""

    def build(self):
        for box in BOXES:
            for side in SIDES:
                self.lab.run(box, "ip", "link", "set", f"{side}0", "arp", "on", "multicast", "on")
                self.lab.run(box, "ip", "addr", "add", f"{BOX_ADDRESS[box][side]}/24", "dev",
                             f"{side}0")
            self.lab.run(box, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")

    def start(self, box):
        folder = self.lab.dir
        (folder / f"{box}.keepalived").write_text(self._config(box))
        with open(folder / f"{box}.keepalived.log", "ab") as log:
            self.daemons[box] = self.lab.popen(
                box, "keepalived", "--dont-fork", "--vrrp", "--log-console", "--use-file",
                folder / f"{box}.keepalived", "--pid", folder / f"{box}.k.run", "--vrrp_pid",
                folder / f"{box}.v.run", stdout=log, stderr=log)
        self.lab.note(f"{box}.keepalived", self.daemons[box].pid)

    def owns(self, box):
        """=> how many of the virtual addresses are on it."""
        out = self.lab.run(box, "ip", "-o", "addr", "show").stdout
        return sum(f" {VIPS[side].address}/24 " in out for side in SIDES)

    def whole(self):
        """All cables are in, both daemons run, fw1 is master."""
        for box in BOXES:
            self.plug(box, True)
            daemon = self.daemons.get(box)
            if daemon is None or daemon.poll() is not None:
                for side in SIDES:	# what a killed one has left
                    self.lab.run(box, "ip", "addr", "del", f"{VIPS[side].address}/24", "dev",
                                 f"{side}0", check=False)
                self.start(box)
        wait_until(lambda: (self.owns("fw1"), self.owns("fw2")) == (2, 0), 20,
                   lambda: "keepalived of fw1 is master:\n" + "".join(
                       (self.lab.dir / f"{b}.keepalived.log").read_text()[-1500:] for b in BOXES))

    def plug(self, box, up):
        for side in SIDES:
            self.lab.plug(box, side, up)

    def end(self, signum):
        self.daemons["fw1"].send_signal(signum)
        self.daemons["fw1"].wait(10)

    def round(self, break_it, rng):
        self.whole()
        with Traffic(self.lab, connections=CONNECTIONS, download_rate=RATE,
                     download_bytes=int(RATE * (AFTER + 1))) as traffic:
            traffic.flow(BEFORE + rng.uniform(0, 5 * self.hello_ms / 1000))
            break_it()
            traffic.flow(AFTER)
            report = traffic.finish()
        events = report["events"]
        return {"gap_ms": report["probe"]["gap_ms"], "lost": report["probe"]["lost"],
                "kept": report["flows"]["kept"], "total": report["flows"]["total"],
                **watch.owners(events, events[0].t, events[-1].t)}


def note(rows, work, peer_name, done):
    good = [r for r in done if "gap_ms" in r]
    if not good:
        return
    gaps, lost = [r["gap_ms"] for r in good], [r["lost"] for r in good]
    rows.append({"work": work, "peer": peer_name, "rounds": len(done),
                 "gap": statistics.median(gaps), "gap_worst": max(gaps),
                 "lost": statistics.median(lost), "lost_worst": max(lost),
                 "two_owners": max(r["two_owners_ms"] for r in good),
                 "kept": f"{sum(r['kept'] for r in good)} of {sum(r['total'] for r in good)}",
                 "wrong": [w for r in done for w in r.get("wrong", [])], "gaps": gaps})
    say(f"{work}, {peer_name}: gap {statistics.median(gaps):.1f} ms, worst {max(gaps):.1f}")


def twinwall(lab, options, rng, rows):
    pair = make_pair(lab, options.hello_ms)
    pair.start()
    servers = Servers(lab)
    works = [("box killed", "X16"), ("cable pulled, inside", "X01"),
             ("cable pulled, outside", "X02"), ("box stopped (SIGTERM)", "X17"),
             ("switched by order", "X17-switch")]
    try:
        for work, key in works:
            done = []
            for number in range(options.rounds):
                done.append(one_round(faults.TABLE[key], pair, rng))
                say(f"{work} {number + 1}/{options.rounds}: {done[-1]['verdict']} "
                    f"{done[-1].get('gap_ms', 0):.1f} ms {' '.join(done[-1]['wrong'])}")
                if done[-1]["wrong"]:
                    mend(pair)
            note(rows, work, "Twinwall", done)
    finally:
        servers.close()
        pair.end()


def kernel(lab, options, rng, rows):
    k = Keepalived(lab, options.hello_ms)
    k.build()
    servers = Servers(lab)
    works = [("box killed", "all cables cut", lambda: k.plug("fw1", False)),
             ("box killed", "daemon killed", lambda: k.end(signal.SIGKILL)),
             ("cable pulled, inside", "", lambda: lab.plug("fw1", "in", False)),
             ("cable pulled, outside", "", lambda: lab.plug("fw1", "out", False)),
             ("box stopped (SIGTERM)", "", lambda: k.end(signal.SIGTERM))]
    try:
        for work, how, break_it in works:
            done = []
            for number in range(options.rounds):
                done.append(k.round(break_it, rng))
                say(f"{work} {how} {number + 1}/{options.rounds}: {done[-1]['gap_ms']:.1f} ms")
            note(rows, work, f"keepalived{', ' + how if how else ''}", done)
    finally:
        servers.close()


def main(options):
    if not shutil.which("keepalived"):
        print("faults: there is no keepalived: scripts/setup --peers", file=sys.stderr)
        return 1
    rng = random.Random(options.seed)
    rows = []
    in_lab(options.prefix, lambda lab: twinwall(lab, options, rng, rows))
    in_lab(options.prefix, lambda lab: kernel(lab, options, rng, rows))
    rows.sort(key=lambda r: r["work"])
    print(table(rows, COLUMNS, ("work", "peer")))
    for row in rows:
        for reason in row["wrong"]:
            print(f"FAILED {row['work']}, {row['peer']}: {reason}")
    if options.json:
        options.json.write_text(json.dumps({"schema": 1, "hello_ms": options.hello_ms,
                                            "seed": options.seed, "figures": rows}, indent=1) + "\n")
    return 1 if any(row["wrong"] for row in rows) else 0

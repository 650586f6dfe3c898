# SPDX-License-Identifier: BSD-3-Clause
"""scripts/soak: random life of a pair in the lab, for half an hour, and then everything is as before.

A download through address translation, 20 connections and a 1 kHz probe run while random faults of
the list (scripts/faults) are made and mended; between them the tables change: entries of the
blacklist come and go by command, sessions are reset, the configuration is edited and loaded again.
Every few minutes the pair comes to rest and is looked at: all tables of both boxes are equal by the
boxes' own count and digest, both have the same configuration, and no process has grown.  In the end
all sessions are reset: no session, no packet buffer and no blacklist entry may be left.
"""
import argparse
import json
import random
import signal
import sys
import time
from pathlib import Path

from . import faults, sharing
from .fault_run import BROKEN, in_lab, interrupted, make_pair, mend, one_round
from .measure import Servers
from .table import table
from .topology import VIPS
from .wait import wait_until

PREFIX = "twsoak"
MINUTES = 30
HELLO_MS = 100
LOOK_EVERY = 180  # seconds of life between two looks
REST = 60  # at most so long until the tables are equal
GROWTH_KB = 16384  # of a process between two looks: caches of the allocator, not a leak of each round
COLUMNS = (("minute", "minute", "{:.1f}"), ("rounds", "rounds", "{}"), ("failed", "failed", "{}"),
           ("changes", "changes of tables", "{}"), ("sessions", "sessions", "{}"),
           ("equal", "tables equal after s", "{:.1f}"), ("fw1_kb", "FW1 kB", "{}"),
           ("fw2_kb", "FW2 kB", "{}"), ("verdict", "verdict", "{}"))


def say(text):
    print(f"soak: {text}", file=sys.stderr, flush=True)


def prepare(config):
    """Downloads are translated; a second rule that an edit can take away."""
    sharing.translate(config, VIPS["out"].vrid)
    config["security_policy"]["rules"].append({
        "name": "soak", "source_zones": ["trust"], "destination_zones": ["dmz"],
        "source_addresses": ["10.1.1.0/24"], "action": "deny"})


class Changes:
    """What an operator does, on the box that is active; its peer follows."""

    def __init__(self, pair, rng):
        self.pair, self.rng, self.made = pair, rng, 0
        self.addresses = [f"10.99.{n}.0/24" for n in range(64)]

    def _command(self, text, sure=True):
        box = self.pair.active()
        if box is None:
            return
        code, answer = box.command(text)
        if code != 0 and sure:
            raise AssertionError(f"{box.name}: {text}: {answer}")

    def blacklist(self):
        for address in self.rng.sample(self.addresses, 8):
            self._command(f"blacklist add {address} timeout {self.rng.choice((5, 60, 600))}")

    def off_the_blacklist(self):
        listed = {row["address"] for box in self.pair for row in box.rows("blacklist")}
        for address in self.rng.sample(sorted(listed), min(4, len(listed))):
            self._command(f"blacklist delete {address}", sure=False)  # it may just have ended

    def reset_some(self):
        self._command("reset firewall session table protocol icmp")

    def edit(self):
        """The master's file; the other box gets it by the pair's own backup."""
        box = self.pair.active()
        if box is None:
            return
        word = self.rng.choice(("permit", "deny"))
        for each in self.pair:
            each.config["security_policy"]["rules"][-1]["action"] = word
        box.write_config()
        code, answer = box.command("reload", timeout=30)
        if code != 0:
            raise AssertionError(f"{box.name}: reload: {answer}")

    def some(self):
        self.rng.choice((self.blacklist, self.blacklist, self.off_the_blacklist, self.reset_some,
                         self.edit))()
        self.made += 1


def rss_kb(box):
    with open(f"/proc/{box.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def unequal(pair):
    """=> what differs between the two boxes, in words; empty: nothing."""
    active = pair.active()
    if active is None:
        return "not one active box"
    peer = pair.peer_of(active)
    here, there = ({row["table"]: row for row in box.rows("hrp-sync")} for box in (active, peer))
    for name, row in here.items():
        if row["out"] != "equal" or row["here"] != there[name]["here"]:
            return f"{name}: {row['here']} here, {there[name]['here']} there, {row['out']}"
    states = [row["state"] for box in pair for row in box.rows("hrp-sync-config")]
    return "" if states == ["equal", "equal"] else f"configuration: {states}"


def synchronise(pair):
    """A bulk of all tables, proved by count and digest. => seconds until they are equal"""
    begun = time.monotonic()
    active = pair.wait_formed()
    before = {row["table"]: row["bulks_out"] for row in active.rows("hrp-sync")}
    code, answer = active.command("hrp sync connection-status")
    if code != 0:
        raise AssertionError(f"{active.name}: hrp sync: {answer}")

    def whole():
        return not unequal(pair) and all(row["bulks_out"] > before[row["table"]]
                                         for row in active.rows("hrp-sync"))
    wait_until(whole, REST, lambda: f"all tables are equal: {unequal(pair)}", every=0.1)
    return time.monotonic() - begun


class Soak:
    def __init__(self, pair, options):
        self.pair, self.rng = pair, random.Random(options.seed)
        self.changes = Changes(pair, self.rng)
        self.seconds = options.minutes * 60
        self.looks, self.rounds, self.failed = [], [], 0
        self.last = {}	# box -> (pid, kB)

    def live(self, until):
        """Faults and changes of tables, until then."""
        while time.monotonic() < until:
            fault = self.rng.choice(faults.RANDOM)
            for _ in range(self.rng.randrange(3)):
                self.changes.some()
            row = one_round(fault, self.pair, self.rng)
            self.rounds.append(row)
            if row["wrong"]:
                self.failed += 1
                say(f"{fault.key}: {'; '.join(row['wrong'])}")
                mend(self.pair)
            else:
                self.pair.whole(None)

    def look(self, minute):
        """At rest: are the tables equal, has no process grown?"""
        look = {"minute": minute, "rounds": len(self.rounds), "failed": self.failed,
                "changes": self.changes.made, "wrong": []}
        try:
            look["equal"] = synchronise(self.pair)
            look["sessions"] = self.pair.active().rows("version")[0]["sessions"]
        except BROKEN as e:
            look["wrong"].append(str(e).splitlines()[0])
        for box in self.pair:
            if box.pid is None:
                continue
            kb = look[f"{box.host}_kb"] = rss_kb(box)
            pid, was = self.last.get(box.host, (None, 0))
            if pid == box.pid and kb > was + GROWTH_KB:
                look["wrong"].append(f"{box.name} has grown from {was} to {kb} kB")
            self.last[box.host] = (box.pid, kb)
        look["verdict"] = "FAILED" if look["wrong"] else "ok"
        self.looks.append(look)
        say(f"minute {minute:.1f}: {len(self.rounds)} rounds, {self.failed} failed, "
            f"{self.changes.made} changes of tables: {look['verdict']}"
            + "".join(f"\nsoak:     {w}" for w in look["wrong"]))

    def empty(self):
        """What all of it took is given back. => what is not"""
        active = self.pair.wait_formed()
        try:
            for text in ("reset firewall session table", "reset firewall blacklist"):
                code, answer = active.command(text)
                if code != 0:
                    return f"{active.name}: {text}: {answer}"
            for box in self.pair:
                box.wait_empty(timeout=REST)
                wait_until(lambda b=box: not b.rows("blacklist"), REST,
                           lambda b=box: f"{b.name}: blacklist: {b.rows('blacklist')[:3]}")
        except BROKEN as e:
            return str(e).splitlines()[0]
        return ""

    def run(self):
        begun = time.monotonic()
        end = begun + self.seconds
        while time.monotonic() < end:
            self.live(min(end, time.monotonic() + LOOK_EVERY))
            self.look((time.monotonic() - begun) / 60)


def report(soak, options, left):
    print(table(soak.looks, COLUMNS, ("verdict",)))
    wrong = [w for look in soak.looks for w in look["wrong"]] + ([left] if left else [])
    for text in wrong:
        print(f"FAILED: {text}")
    changes = sum(r.get("role_changes", 0) for r in soak.rounds)
    print(f"seed {options.seed}: {len(soak.rounds)} faults, {soak.failed} with a bound broken, "
          f"{changes} changes of role, {soak.changes.made} of tables; "
          + ("at the end nothing is left" if not left else "at the end something is left"))
    if options.json:
        options.json.write_text(json.dumps({"schema": 1, "seed": options.seed, "looks": soak.looks,
                                            "rounds": soak.rounds, "left": left}, indent=1) + "\n")
    return 1 if wrong or soak.failed or not soak.looks else 0


def parse(argv):
    p = argparse.ArgumentParser(prog="soak", description=__doc__.split(": ", 1)[1],
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--minutes", type=float, default=MINUTES)
    p.add_argument("--seed", type=int, help="of the faults and the changes; printed")
    p.add_argument("--prefix", default=PREFIX, help="name of the lab")
    p.add_argument("--json", type=Path, metavar="FILE", help="write all rounds and looks to this file")
    options = p.parse_args(argv)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**6)
    return options


def main(argv=None):
    options = parse(argv)
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, interrupted)
    code = 1

    def work(lab):
        nonlocal code
        pair = make_pair(lab, HELLO_MS)
        pair.configure(prepare)
        say(f"seed {options.seed}, {options.minutes:g} minutes in lab '{lab.prefix}'")
        pair.start()
        servers = Servers(lab)
        soak, left = Soak(pair, options), "it has not come to its end"
        try:
            soak.run()
            left = soak.empty()
        finally:
            servers.close()
            pair.end()
            code = report(soak, options, left)
    try:
        in_lab(options.prefix, work)
    except KeyboardInterrupt:
        print("soak: interrupted, the lab is removed", file=sys.stderr)
        return 130
    except BROKEN as e:
        print(f"soak: {e}", file=sys.stderr)
        return 1
    return code

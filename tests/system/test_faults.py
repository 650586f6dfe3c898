# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the active box under traffic: R90-R97, X16-X18, X23, VRP-11, the promises of the pair.

Each case breaks one thing at a random phase of the hellos and looks at the whole table: gap,
connections, download, owners.
"""
import random
import time

import pytest
from conftest import DEAD_MS, HELLO_MS

from twlab import watch
from twlab.measure import Traffic
from twlab.tool import Tool
from twlab.topology import BOX_ADDRESS, SIDES, VIPS, other_side
from twlab.wait import wait_until

GAP_DEAD = DEAD_MS + HELLO_MS  # D + H
GAP_ANNOUNCED = 100
BURST = 32
AFTER = 1.5  # seconds of traffic after a fault
RATE = 1_000_000


class Round:
    """Traffic across one fault: with Round(...) as r: r.at = break it; ...; then r.row, r.events."""

    def __init__(self, pair, seconds=AFTER, connections=50, download=True):
        self.pair = pair
        self.old, self.new = pair.whole()
        self.seconds = seconds
        self.traffic = Traffic(pair.lab, connections=connections,
                               download_bytes=int(RATE * (seconds + 1)) if download else 0,
                               download_rate=RATE)
        self.at = self.report = self.events = None

    def __enter__(self):
        self.traffic.__enter__()
        self.traffic.flow(0.5 + random.uniform(0, 5 * HELLO_MS / 1000))
        return self

    def __exit__(self, kind, *exc):
        try:
            if kind is None:
                self.traffic.flow(self.seconds)
                self.report = self.traffic.finish()
                self.events = self.report.pop("events")
        finally:
            self.traffic.kill()

    def check(self, gap_ms):
        """All that must hold after every takeover."""
        report = self.report
        owners = watch.takeovers(self.events, self.old.host, self.new.host, self.at)
        text = f"{report} {owners}"
        assert report["missed_by_observer"] == 0
        assert report["flows"]["kept"] == report["flows"]["total"] == self.traffic.connections, text
        assert report["download"]["ok"], text
        assert report["probe"]["gap_ms"] <= gap_ms, text
        assert owners["two_owners_ms"] == 0, text
        assert owners["no_owner_ms"] is not None and owners["no_owner_ms"] <= gap_ms, text
        assert not [e for e in self.events if e.kind == "ha"], "HA message on a service port"

    def garps(self, box):
        return {e.vip for e in self.events if e.kind == "garp" and e.box == box.host
                and e.t >= self.at}


def test_X16_R95_process_dies(pair, servers):
    with Round(pair) as r:
        r.at = r.old.kill()
    r.check(GAP_DEAD)
    assert r.garps(r.new) == set(SIDES), "gratuitous ARP for every virtual IP (R37)"
    assert r.new.role() == "active"


def test_R96_recovered_box_stays_standby(pair, servers):
    with Round(pair, connections=5) as r:
        r.at = r.old.kill()
        r.new.wait_role("active", 5)
        r.old.start()
        pair.wait_formed()
    r.check(GAP_DEAD)
    assert pair.roles() == {r.old.name: "standby", r.new.name: "active"}
    assert r.garps(r.old) == set(), "no preemption: not one claim of the one that came back"


@pytest.mark.parametrize("side", SIDES)
def test_R90_R91_R92_interface_fault(pair, servers, side):
    with Round(pair) as r:
        r.at = pair.lab.plug(r.old.host, side, False)
    r.check(GAP_ANNOUNCED)
    assert pair.roles() == {r.old.name: "standby", r.new.name: "active"}
    assert r.garps(r.new) == set(SIDES)
    assert r.old.vrrp() == {VIPS[side].vrid: "initialize", VIPS[other_side(side)].vrid: "standby"}


@pytest.mark.parametrize("side", SIDES)
def test_R93_switches_learn_the_new_active(pair, side):
    old, new = pair.whole()
    pair.lab.plug(old.host, "in", False)
    new.wait_role("active", 5)

    def learned():
        out = pair.lab.run("sw", "bridge", "fdb", "show", "br", f"br-{side}").stdout
        lines = [line for line in out.splitlines() if line.startswith(VIPS[side].mac)]
        return lines and all(f"dev {side}-{new.host}" in line for line in lines)
    wait_until(learned, 3, "both switches know the virtual MACs at the new active")


def test_R63_priority_falls_and_comes_back(pair):
    old, _ = pair.whole()
    pair.lab.plug(old.host, "out", False)
    wait_until(lambda: "64999" in old.show("display hrp state"), 5, "65001 - 2")
    pair.lab.plug(old.host, "out", True)
    wait_until(lambda: "65001" in old.show("display hrp state"), 5, "65001 again")


def test_R62_standby_fault_changes_nothing(pair, servers):
    """X03."""
    with Round(pair, connections=10, seconds=1) as r:
        r.at = pair.lab.plug(r.new.host, "in", False)
    assert r.report["probe"]["lost"] == 0 and r.report["flows"]["kept"] == 10, r.report
    assert pair.roles() == {r.old.name: "active", r.new.name: "standby"}
    assert watch.claims(r.events, box=r.new.host) == []


def test_R91_standby_with_a_fault_of_its_own_is_not_chosen(pair, servers):
    """65000 - 2 is below 65001 - 2: the active keeps the rest (R74)."""
    with Round(pair, connections=0, seconds=1, download=False) as r:  # nothing gets through
        pair.lab.plug(r.new.host, "in", False)
        wait_until(lambda: "64998" in r.new.show("display hrp state"), 5, "65000 - 2")
        r.at = pair.lab.plug(r.old.host, "in", False)
    assert r.old.role() == "active"
    assert watch.claims(r.events, box=r.new.host) == []


def test_X17_sigterm_hands_over(pair, servers):
    with Round(pair) as r:
        r.at = time.time_ns()
        code, seconds = r.old.terminate()
    assert code == 0 and seconds < 2
    r.check(GAP_ANNOUNCED)
    assert r.report["probe"]["lost"] <= 20, r.report
    first = min(e.t for e in watch.claims(r.events, box=r.new.host) if e.t >= r.at)
    late = [e for e in r.events if e.box == r.old.host and e.kind == "resign" and e.t >= first]
    assert late == [], "a late farewell would move the switches' tables back"


def test_R36_lone_active_says_farewell(pair):
    """Nobody to hand over to: an advert with priority 0 on every interface."""
    old, new = pair.whole()
    new.kill()
    watcher = Tool(pair.lab, "sw", "watch")
    code, seconds = old.terminate()
    events, _ = watch.load(watcher.finish())
    assert code == 0 and seconds < 2
    assert {e.side for e in events if e.kind == "resign" and e.box == old.host} == set(SIDES)
    last = {side: [e for e in events if e.side == side and e.kind in watch.CLAIMS | {"resign"}][-1]
            for side in SIDES}
    assert {e.kind for e in last.values()} == {"resign"}, "and no claim after it"


def frozen(pair, seconds):
    """SIGSTOP of the active for a while, then SIGCONT, under traffic."""
    with Round(pair, connections=20) as r:
        r.at = r.old.freeze()
        r.traffic.flow(seconds)
        r.woken = r.old.wake()
        wait_until(lambda: r.old.role() is not None, 5, "the woken box answers")
    return r


@pytest.mark.parametrize("dead_times", [2, 5], ids=["2D", "5D"])
def test_X18_R84_frozen_box_is_fenced(pair, servers, dead_times):
    r = frozen(pair, dead_times * DEAD_MS / 1000)
    r.check(GAP_DEAD)
    after = watch.frames_after(r.events, r.old.host, r.woken)
    assert [e for e in after if e.kind != "transit"] == [], "no claim after SIGCONT"
    assert len(after) <= BURST, "at most the burst that was on its way out"
    assert pair.roles() == {r.old.name: "standby", r.new.name: "active"}


def test_X18_short_freeze_has_one_owner(pair, servers):
    """Half a dead time: whoever is active afterwards, nobody else was at any moment."""
    r = frozen(pair, 0.5 * DEAD_MS / 1000)
    active = pair.wait_formed()
    assert r.report["flows"]["kept"] == 20 and r.report["download"]["ok"], r.report
    assert r.report["probe"]["gap_ms"] <= GAP_DEAD, r.report
    if active is r.old:
        assert watch.claims(r.events, box=r.new.host) == []
    else:
        assert watch.takeovers(r.events, r.old.host, r.new.host, r.at)["two_owners_ms"] == 0


@pytest.mark.long
def test_X18_frozen_for_a_minute(pair, servers):
    r = frozen(pair, 60)
    r.check(GAP_DEAD)
    assert watch.frames_after(r.events, r.old.host, r.woken) == []


def test_VRP_11_all_groups_change_together(pair, servers):
    """No box ever sends for one virtual IP while the other owns the other one, but for the moment
    of the change itself."""
    with Round(pair, connections=10) as r:
        r.at = pair.lab.plug(r.old.host, "out", False)
    firsts = [next(e.t for e in watch.claims(r.events, side, r.new.host)) for side in SIDES]
    assert abs(firsts[0] - firsts[1]) <= 20e6, "both virtual IPs within 20 ms"
    last_old = max(e.t for e in watch.claims(r.events, box=r.old.host))
    assert last_old <= min(firsts)


def test_X23_restarted_standby_does_not_touch_the_active(pair, servers):
    """It comes back empty, is filled by bulk, and only then may take over."""
    with Round(pair, connections=30, seconds=1) as r:
        r.at = r.new.kill()
        before = {s["id"] for s in r.old.sessions(protocol="tcp")}
        assert len(before) >= 30
        r.new.start()
        pair.wait_formed()
        after = {s["id"] for s in r.old.sessions(protocol="tcp")}
        assert before <= after, "the active lost sessions"
        copies = [s for s in r.new.sessions(protocol="tcp") if s["remote"]]
        assert len(copies) >= 30, "the standby was filled"
    assert r.report["probe"]["lost"] == 0 and r.report["flows"]["kept"] == 30, r.report
    assert watch.claims(r.events, box=r.new.host) == []


def test_X26_double_failover(pair, servers):
    """A -> B -> A: the sessions make both ways."""
    with Round(pair, connections=20, seconds=2) as r:
        r.at = r.old.kill()
        r.new.wait_role("active", 5)
        r.old.start()
        pair.wait_formed()
        r.new.kill()
        r.old.wait_role("active", 5)
    report = r.report
    assert report["flows"]["kept"] == 20 and report["download"]["ok"], report
    assert report["probe"]["gap_ms"] <= GAP_DEAD, report


def test_R173_heartbeat_cut_is_seen(pair):
    """The only heartbeat gone: the link is down on both; it heals and one is active again."""
    pair.whole()
    pair.lab.heartbeat(False)
    for box in pair:
        wait_until(lambda b=box: "running" not in b.show("display hrp interface"), 5,
                   f"{box.name} sees the cut")
    pair.lab.heartbeat(True)
    pair.wait_formed()


def test_own_addresses_answer_on_both_boxes(pair):
    for box in pair:
        address = BOX_ADDRESS[box.host]
        for host, side in (("cli", "in"), ("srv", "out")):
            out = pair.lab.run(host, "ping", "-n", "-c", "3", "-i", "0.1", "-W", "1",
                               address[side]).stdout
            assert " 0% packet loss" in out, out

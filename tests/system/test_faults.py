# SPDX-License-Identifier: BSD-3-Clause
"""Faults under traffic: the table of scripts/faults, and what else is promised about them.

Each case breaks one thing at a random phase of the hellos and looks at the whole table: gap,
connections, download, owners.
"""
import pytest
from conftest import DEAD_MS, HELLO_MS

from twlab import watch
from twlab.config import add_second_heartbeat
from twlab.faults import TABLE
from twlab.rounds import Round
from twlab.tool import Tool
from twlab.topology import BOX_ADDRESS, SIDES
from twlab.wait import wait_until

GAP_DEAD = DEAD_MS + HELLO_MS  # D + H
# Those of the table that prove a requirement; test_random_faults.py draws from all the quick ones.
PROOFS = {
    "X01": "R90_R91_R92", "X02": "R90_R91_R92_VRP_11", "X03": "R62", "X16": "R25_R27_R95_R37", "X17": "R36",
    "X18-0.5D": "R84", "X18-2D": "R84", "X18-5D": "R84", "X20": "R84", "X20-HRP": "R84",
    "X23": "R102", "X26": "R95",
}
FAULTS = [pytest.param(key, id=f"{key}_{rules}") for key, rules in PROOFS.items()] + [
    pytest.param(key, id=key, marks=pytest.mark.long) for key, f in TABLE.items()
    if key not in PROOFS and not f.limit]


@pytest.fixture(scope="module")
def module_config(lab):
    lab.second_heartbeat()
    return add_second_heartbeat


@pytest.mark.parametrize("key", FAULTS)
def test_fault(pair, servers, key):
    r = TABLE[key].round(pair, active="fw1")
    assert not r.wrong, f"{r.wrong} {r.row}"


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
def test_R93_switches_learn_the_new_active(pair, side):
    old, new = pair.whole()
    pair.lab.plug(old.host, "in", False)
    new.wait_role("active", 5)

    wait_until(lambda: pair.lab.learned(new.host, side), 3,
               "both switches know the virtual MACs at the new active")


def test_R63_priority_falls_and_comes_back(pair):
    old, _ = pair.whole()
    pair.lab.plug(old.host, "out", False)
    wait_until(lambda: "64999" in old.show("display hrp state"), 5, "65001 - 2")
    pair.lab.plug(old.host, "out", True)
    wait_until(lambda: "65001" in old.show("display hrp state"), 5, "65001 again")


def test_R91_standby_with_a_fault_of_its_own_is_not_chosen(pair, servers):
    """65000 - 2 is below 65001 - 2: the active keeps the rest (R74)."""
    with Round(pair, connections=0, seconds=1, download=False) as r:  # nothing gets through
        pair.lab.plug(r.new.host, "in", False)
        wait_until(lambda: "64998" in r.new.show("display hrp state"), 5, "65000 - 2")
        r.at = pair.lab.plug(r.old.host, "in", False)
    assert r.old.role() == "active"
    assert watch.claims(r.events, box=r.new.host) == []


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


def test_R173_heartbeat_cut_is_seen(pair):
    """Every heartbeat cable gone: the links are down on both; they heal and one is active again."""
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

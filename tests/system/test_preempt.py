# SPDX-License-Identifier: BSD-3-Clause
"""Preemption: R97-R101.  FW1 takes its role back after a repair, but only after the delay."""
import random
import time

import pytest
from conftest import DEAD_MS, HELLO_MS

from twlab import watch
from twlab.measure import Traffic
from twlab.topology import SIDES
from twlab.wait import wait_until

DELAY = 2  # seconds


@pytest.fixture(scope="module")
def module_config():
    def change(config):
        config["hrp"]["preempt"] = True
        config["hrp"]["preempt_delay_s"] = DELAY
    return change


def test_R97_R98_R101_preempts_after_the_delay(pair, servers):
    old, new = pair.fw1, pair.fw2
    pair.lab.plug("fw1", "in", False)
    new.wait_role("active", 5)
    with Traffic(pair.lab, connections=20) as traffic:
        traffic.flow(random.uniform(0, HELLO_MS / 1000))
        at = pair.lab.plug("fw1", "in", True)
        wait_until(lambda: pair.active() is old, DELAY + 10, lambda: f"FW1 is active: {pair.roles()}")
        traffic.flow(0.5)
        report = traffic.finish()
    rows = [watch.takeover(report["events"], "fw2", "fw1", at, side) for side in SIDES]
    for row in rows:
        assert (row["first_claim_ns"] - at) / 1e9 >= DELAY, "before the delay was over"
        assert row["two_owners_ms"] == 0
    assert report["flows"]["kept"] == 20, report["flows"]
    assert report["probe"]["gap_ms"] <= DEAD_MS, report["probe"]
    garps = {e.vip for e in report["events"] if e.kind == "garp" and e.box == "fw1" and e.t >= at}
    assert garps == set(SIDES)


def test_R99_fault_during_the_delay_cancels_it(pair):
    old, new = pair.fw1, pair.fw2
    pair.lab.plug("fw1", "in", False)
    new.wait_role("active", 5)
    pair.lab.plug("fw1", "in", True)
    start = time.monotonic()
    wait_until(lambda: "65001" in old.show("display hrp state"), DELAY, "FW1 is repaired")
    pair.lab.plug("fw1", "in", False)
    wait_until(lambda: "64999" in old.show("display hrp state"), 5, "FW1 is broken again")
    wait_until(lambda: new.role() != "active" or time.monotonic() - start > DELAY + 1, DELAY + 5,
               "the delay would be over")
    assert new.role() == "active"


def test_R102_restarted_box_preempts_synchronised(pair, servers):
    """X04 by restart: it comes back empty, is filled, and only then takes over: nothing is lost."""
    old, new = pair.fw1, pair.fw2
    with Traffic(pair.lab, connections=30) as traffic:
        traffic.flow(0.3)
        old.kill()
        new.wait_role("active", 5)
        old.start()
        wait_until(lambda: pair.active() is old, DELAY + 20, lambda: f"FW1 again: {pair.roles()}")
        traffic.flow(1.0)
        report = traffic.finish()
    assert report["flows"]["kept"] == 30, report["flows"]
    assert report["probe"]["gap_ms"] <= DEAD_MS + HELLO_MS, report["probe"]

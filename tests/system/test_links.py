# SPDX-License-Identifier: BSD-3-Clause
"""Two heartbeat cables: what becomes of one of them costs no role and no packet (R162-R173)."""
import pytest

from twlab.config import add_second_heartbeat
from twlab.faults import TABLE
from twlab.topology import INTERFACE
from twlab.wait import wait_until

FIRST, SECOND = INTERFACE["hb"], INTERFACE["hb1"]


@pytest.fixture(scope="module")
def module_config(lab):
    lab.second_heartbeat()
    return add_second_heartbeat


@pytest.fixture
def cables(lab, pair):
    def states():
        return [[row["state"] for row in box.rows("hrp-interface")] for box in pair]
    wait_until(lambda: states() == [["running", "ready"]] * 2, 5,
               lambda: f"both cables are good: {states()}")
    return states


def test_R169_R172_the_first_configured_runs(pair, cables):
    for box in pair:
        shown = box.show("display hrp interface").split("\n")
        assert shown[0].split() == [FIRST, ":", "running"] and shown[1].split() == [
            SECOND, ":", "ready"], shown


@pytest.mark.parametrize("key", ["X08", "X08-back", "X09"])
def test_R168_R173_one_of_two_cables(pair, servers, cables, key):
    """No packet lost, no role changed, nobody claims an address; then the second one carries all."""
    before = {box: box.rows("hrp-state")[0]["takeovers"] for box in pair}
    r = TABLE[key].round(pair, active="fw1")
    assert not r.wrong, f"{r.wrong} {r.row}"
    assert pair.roles() == {"FW1": "active", "FW2": "standby"}
    assert {box: box.rows("hrp-state")[0]["takeovers"] for box in pair} == before
    assert all(box.synchronised() for box in pair)

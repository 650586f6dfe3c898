# SPDX-License-Identifier: BSD-3-Clause
"""Two heartbeat cables: what becomes of one of them costs no role and no packet (R162-R173); cables in the
wrong port (R159); both gone (R174)."""
import pytest

from twlab.config import add_second_heartbeat
from twlab.faults import TABLE
from twlab.topology import BOX_ADDRESS, INTERFACE
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


def test_R161_the_bandwidth_in_use_is_shown(pair, cables):
    for box in pair:
        wait_until(lambda b=box: all(b.rows("hrp-interface")[0][w] > 0
                                     for w in ("bytes_out_rate", "bytes_in_rate")), 5,
                   "a whole second of heartbeats")
        rows = box.rows("hrp-interface")
        for row in rows:
            rate = max(row["bytes_out_rate"], row["bytes_in_rate"])
            used = row["usage_percent"]
            assert (used is None) == (row["speed_mbps"] is None), row
            assert used is None or abs(used - rate * 8 * 100 / (row["speed_mbps"] * 1e6)) < 1e-6, row
        # What is no probe goes by the running link alone (R171).
        assert rows[0]["packets_out"] - rows[0]["probes_out"] > rows[1]["packets_out"] - rows[1][
            "probes_out"], rows
        shown = box.show("display hrp interface verbose")
        assert shown.count("kbit/s, in ") == 2 and "multicast, round trip" in shown, shown


@pytest.mark.parametrize("key", ["X08", "X08-back", "X09"])
def test_R168_R173_one_of_two_cables(pair, servers, cables, key):
    """No packet lost, no role changed, nobody claims an address; then the second one carries all."""
    before = {box: box.rows("hrp-state")[0]["takeovers"] for box in pair}
    r = TABLE[key].round(pair, active="fw1")
    assert not r.wrong, f"{r.wrong} {r.row}"
    assert pair.roles() == {"FW1": "active", "FW2": "standby"}
    assert {box: box.rows("hrp-state")[0]["takeovers"] for box in pair} == before
    assert all(box.synchronised() for box in pair)


def swap_addresses(config):
    """By the cable, not by the port."""
    first, second = [i for i in config["interfaces"] if i["name"] in (FIRST, SECOND)]
    first["address"], second["address"] = second["address"], first["address"]


def test_R159_crossed_cables(lab, pair, cables):
    """The cable of FW1's first port ends at FW2's second one, and the other way round."""
    pair.fw2.kill()
    lab.cross_heartbeats(True)
    try:
        pair.respoil(pair.fw2, swap_addresses)
        pair.wait_formed()
        for box in pair:
            # A box that has not missed the other yet still shows the wiring of before.
            wait_until(lambda b=box: [(r["wiring"], r["crossed_to"]) for r in b.rows("hrp-interface")]
                       == [("crossed", SECOND), ("crossed", FIRST)], 5,
                       lambda b=box: str(b.rows("hrp-interface")))
            shown = box.show("display hrp interface")
            for port in (FIRST, SECOND):
                assert f"(cable crossed: it ends at {port} of the peer)" in shown, shown
                wait_until(lambda p=port, b=box: f"its cable is crossed, it ends at {p} of the peer"
                           in b.log(), 5, lambda: "the log tells")
    finally:
        pair.fw2.end()
        lab.cross_heartbeats(False)


def test_R174_X10_a_split_brain_is_told(pair, servers, cables):
    before = {box: len(box.log()) for box in pair}
    r = TABLE["X10"].round(pair, active="fw1")
    assert not r.wrong, f"{r.wrong} {r.row}"
    for box in pair:
        lines = [line for line in box.log()[before[box]:].splitlines() if "split brain" in line]
        other = BOX_ADDRESS["fw2" if box is pair.fw1 else "fw1"]
        assert "both boxes are active" in lines[0] and "split brain is over" in lines[-1], lines
        assert f"{FIRST} no carrier, {SECOND} no carrier" in lines[0], lines
        assert any(f"adverts of {a}" in lines[0] for a in other.values()), lines
        assert box.rows("hrp-state")[0]["split_brains"] == 1


def test_R174_X10_with_yield_one_owner_stays(pair, servers, cables):
    r = TABLE["X10-yield"].round(pair, active="fw1")
    assert not r.wrong, f"{r.wrong} {r.row}"
    shown = r.new.show("display hrp state")
    assert "split brain averted" in shown and f"{FIRST} no carrier" in shown, shown
    assert "answers for its addresses" in shown or "adverts of" in shown, shown
    assert pair.roles() == {"FW1": "active", "FW2": "standby"}

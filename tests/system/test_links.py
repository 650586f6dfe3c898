# SPDX-License-Identifier: BSD-3-Clause
"""Two heartbeat cables: what becomes of one of them costs no role and no packet (R162-R173)."""
import pytest
from test_faults import Round

from twlab import watch
from twlab.wait import wait_until

FIRST, SECOND = "GigabitEthernet1/0/2", "GigabitEthernet1/0/4"


def plug(lab, cable, up):
    for box in ("fw1", "fw2"):
        lab.run(box, "ip", "link", "set", cable, "up" if up else "down")


def black_hole(lab, box, cable):
    """Nothing that the box sends by this cable arrives; its carrier stays."""
    lab.run(box, "nft", "-f", "-", input=f"""
        table netdev hole {{
            chain out {{ type filter hook egress device {cable} priority 0; policy drop; }}
        }}""")


@pytest.fixture(scope="module")
def module_config(lab):
    lab.run("fw1", "ip", "link", "add", "hb1", "mtu", "1500", "type", "veth", "peer", "name", "hb1",
            "mtu", "1500", "netns", lab.ns("fw2"))
    for box in ("fw1", "fw2"):
        lab.run(box, "ethtool", "-K", "hb1", "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        lab.run(box, "ip", "link", "set", "hb1", "arp", "off", "multicast", "off", "up")

    def change(config):
        host = 1 if config["system"]["name"] == "FW1" else 2
        config["ports"].append({"name": "p4", "devargs": "net_af_packet3,iface=hb1"})
        config["interfaces"].append({"name": SECOND, "port": "p4", "zone": "dmz",
                                     "address": f"10.10.1.{host}/24"})
        config["hrp"]["interfaces"].append({"interface": SECOND})
    return change


@pytest.fixture
def cables(lab, pair):
    def states():
        return [[row["state"] for row in box.rows("hrp-interface")] for box in pair]
    wait_until(lambda: states() == [["running", "ready"]] * 2, 5,
               lambda: f"both cables are good: {states()}")
    yield states
    for box in ("fw1", "fw2"):
        lab.run(box, "nft", "flush", "ruleset")
    for cable in ("hb0", "hb1"):
        plug(lab, cable, True)


def test_R169_R172_the_first_configured_runs(pair, cables):
    for box in pair:
        shown = box.show("display hrp interface").split("\n")
        assert shown[0].split() == [FIRST, ":", "running"] and shown[1].split() == [
            SECOND, ":", "ready"], shown


FAULTS = {
    "X09_pulled": lambda lab: plug(lab, "hb0", False),
    "X08_black_hole_from_the_active": lambda lab: black_hole(lab, "fw1", "hb0"),
    "black_hole_from_the_standby": lambda lab: black_hole(lab, "fw2", "hb0"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_R168_R173_one_of_two_cables(lab, pair, servers, cables, fault):
    """No packet lost, no role changed, nobody claims an address; then the second one carries all."""
    before = {box: box.rows("hrp-state")[0]["takeovers"] for box in pair}
    with Round(pair, connections=10, seconds=1) as r:
        FAULTS[fault](lab)
        wait_until(lambda: [s[1] for s in cables()] == ["running"] * 2, 5,
                   lambda: f"the second cable runs: {cables()}")
    assert r.report["probe"]["lost"] == 0 and r.report["flows"]["kept"] == 10, r.report
    assert r.report["download"]["ok"], r.report
    assert pair.roles() == {"FW1": "active", "FW2": "standby"}
    assert watch.claims(r.events, box="fw2") == []
    assert {box: box.rows("hrp-state")[0]["takeovers"] for box in pair} == before
    assert all(box.synchronised() for box in pair)

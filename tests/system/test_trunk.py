# SPDX-License-Identifier: BSD-3-Clause
"""An Eth-Trunk of two cables on the inner side: a cut cable costs no connection (R160)."""
import pytest

from twlab.topology import SERVER, SWITCH, VIPS
from twlab.wait import wait_until


@pytest.fixture
def trunk_box(lab, one_box):
    """FW1 alone; its inner port is an active-backup trunk of in0 and in1."""
    lab.run(SWITCH, "ip", "link", "add", "in-fw1b", "type", "veth", "peer", "name", "in1", "netns",
            lab.ns("fw1"), check=False)
    lab.run(SWITCH, "ip", "link", "set", "in-fw1b", "master", "br-in", "up")
    lab.run("fw1", "ip", "link", "set", "in1", "arp", "off", "multicast", "off", "up")
    for host, port in ((SWITCH, "in-fw1b"), ("fw1", "in1")):
        lab.run(host, "ethtool", "-K", port, "tx", "off")
    one_box.config["ports"].append({"name": "p4", "devargs": "net_af_packet3,iface=in1,qpairs=2"})
    one_box.config["eth_trunks"] = [
        {"name": "inside", "members": ["p1", "p4"], "mode": "active-backup"}]
    one_box.config["interfaces"][0]["port"] = "inside"
    one_box.start()
    one_box.wait_role("active")
    yield one_box
    for plug in ("in-fw1", "in-fw1b"):
        lab.run(SWITCH, "ip", "link", "set", plug, "up")


def rows(box):
    return {r["member"]: r for r in box.rows("eth_trunk")}


def ping(lab, target, count=20):
    return lab.run("cli", "ping", "-n", "-c", str(count), "-i", "0.05", "-W", "1", target,
                   check=False).stdout


def test_R160_a_cut_cable(lab, trunk_box):
    assert " 0% packet loss" in ping(lab, SERVER)
    now = rows(trunk_box)
    assert now["p1"]["active"] and not now["p4"]["active"], now
    assert {r["state"] for r in now.values()} == {"up"}
    for cut, other in (("in-fw1", "p4"), ("in-fw1b", "p1")):
        lab.run(SWITCH, "ip", "link", "set", cut, "down")
        wait_until(lambda: rows(trunk_box)[other]["active"], 5, f"{other} carries the traffic")
        # The virtual address too: a gratuitous ARP has told the switch where it is now.
        for target in (SERVER, VIPS["in"].address):
            assert " 0% packet loss" in ping(lab, target), cut
        now = rows(trunk_box)
        assert now[other]["member_state"] == "up" and now[other]["state"] == "up", now
        assert trunk_box.role() == "active"
        lab.run(SWITCH, "ip", "link", "set", cut, "up")
        wait_until(lambda: {r["member_state"] for r in rows(trunk_box).values()} == {"up"}, 5,
                   "both cables are in")
    assert "inside" in trunk_box.show("display eth-trunk")
    assert "carries the traffic" in trunk_box.log()


def test_the_trunk_is_down_when_all_cables_are(lab, trunk_box):
    def state():
        return next(r["state"] for r in trunk_box.rows("interface") if r["configured_port"] == "inside")

    wait_until(lambda: state() == "up", 5, "the trunk is up")
    for plug in ("in-fw1", "in-fw1b"):
        lab.run(SWITCH, "ip", "link", "set", plug, "down")
    wait_until(lambda: state() == "down", 5, "the trunk is down")
    lab.run(SWITCH, "ip", "link", "set", "in-fw1b", "up")
    wait_until(lambda: state() == "up", 5, "the trunk is up by its second cable")
    assert " 0% packet loss" in ping(lab, SERVER)
    assert rows(trunk_box)["p4"]["active"]

# SPDX-License-Identifier: BSD-3-Clause
"""Subinterfaces of a kernel port.  The lab's kernel may have no VLAN devices, so the host of the
VLAN is a script with a packet socket: it makes the box know it by ARP, then pings the server."""
import json

import pytest

from twlab.tool import PYTHON
from twlab.topology import INTERFACE, SERVER
from twlab.wait import wait_until

HOST, GATEWAY, VLAN = "10.1.10.10", "10.1.10.2", 10

PROBE = """
import json, sys
from scapy.all import ARP, Dot1Q, Ether, ICMP, IP, Raw, conf, srp
interface, vlans, target = sys.argv[1], [int(v) for v in sys.argv[2].split(",") if v], sys.argv[3]
conf.verb = 0
conf.checkIPsrc = False
mac = "02:00:0a:01:0a:0a"

def frame(to):
    f = Ether(src=mac, dst=to)
    for v in vlans:
        f /= Dot1Q(vlan=v)
    return f

def shown(sent, got):
    tags, layer = [], got
    while layer.haslayer(Dot1Q):
        layer = layer[Dot1Q]
        tags.append(layer.vlan)
        layer = layer.payload
    return {"tags": tags, "mac": got.src, "len": len(got[IP]) if IP in got else 0}

found, _ = srp(frame("ff:ff:ff:ff:ff:ff") / ARP(hwsrc=mac, psrc="10.1.10.10", pdst="10.1.10.2"),
               iface=interface, timeout=2)
out = {"arp": [shown(*p) for p in found], "ping": []}
if found:
    box = found[0][1][ARP].hwsrc
    pings = [frame(box) / IP(src="10.1.10.10", dst=target) / ICMP(id=7, seq=i) / Raw(b"x" * size)
             for i, size in enumerate((0, 8, 1000, 1472))]
    found, _ = srp(pings, iface=interface, timeout=3)
    out["ping"] = [shown(*p) for p in found]
print(json.dumps(out))
"""


@pytest.fixture
def tagged_box(lab, one_box):
    """FW1 alone, with a subinterface beside the untagged interface of its inner port."""
    one_box.config["interfaces"].append({
        "name": INTERFACE["in"] + ".10", "port": "p1", "vlan": VLAN, "address": GATEWAY + "/24",
        "zone": "trust"})
    one_box.config["security_policy"]["rules"][0]["source_addresses"].append("10.1.10.0/24")
    one_box.start()
    one_box.wait_role("active")
    return one_box


def probe(lab, vlans):
    done = lab.run("cli", PYTHON, "-c", PROBE, "eth0", ",".join(str(v) for v in vlans), SERVER)
    return json.loads(done.stdout)


def test_FRG_24_a_host_in_a_vlan(lab, tagged_box):
    got = probe(lab, [VLAN])
    assert [a["tags"] for a in got["arp"]] == [[VLAN]], got
    assert [p["tags"] for p in got["ping"]] == [[VLAN]] * 4, got
    assert [p["len"] for p in got["ping"]] == [28, 36, 1028, 1500], got
    rows = {r["interface"]: r for r in tagged_box.rows("interface")}
    sub = rows[INTERFACE["in"] + ".10"]
    assert sub["vlan"] == VLAN and sub["state"] == "up" and rows[INTERFACE["in"]]["vlan"] is None
    assert sub["rx_packets"] >= 5 and sub["tx_packets"] >= 5, sub
    assert any(r["interface"] == INTERFACE["in"] + ".10" and r["address"] == HOST
               for r in tagged_box.rows("arp"))


@pytest.mark.parametrize("vlans,reason", [([11], "vlan_unknown"), ([VLAN, 20], "vlan_stacked")])
def test_FRG_24_wrong_tags(lab, tagged_box, vlans, reason):
    before = tagged_box.drops()[reason]
    assert probe(lab, vlans) == {"arp": [], "ping": []}
    assert tagged_box.drops()[reason] > before


def test_untagged_traffic_goes_on_beside_it(lab, tagged_box):
    probe(lab, [VLAN])
    out = lab.run("cli", "ping", "-n", "-c", "5", "-i", "0.05", "-W", "1", SERVER, check=False)
    assert " 0% packet loss" in out.stdout, out.stdout


def test_a_subinterface_follows_its_port(lab, tagged_box):
    def state():
        return {r["interface"]: r["state"] for r in tagged_box.rows("interface")}

    sub = INTERFACE["in"] + ".10"
    wait_until(lambda: state()[sub] == "up", 5, "it is up")
    lab.plug("fw1", "in", False)
    try:
        wait_until(lambda: state()[sub] == "down", 5, "it is down")
    finally:
        lab.plug("fw1", "in", True)
    wait_until(lambda: state()[sub] == "up", 5, "it is up again")

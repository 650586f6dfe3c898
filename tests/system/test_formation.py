# SPDX-License-Identifier: BSD-3-Clause
"""How the pair forms, seen from the cables (R85-R89), and what VRRP looks like to others."""
import pytest
from capture import Capture
from conftest import HELLO_MS

from twlab import watch
from twlab.tool import Tool
from twlab.topology import BOX_ADDRESS, CLIENT, INTERFACE, SERVER, SIDES, VIPS
from twlab.wait import wait_until

HEARTBEATS = 5  # to see before we believe in a period
VRRP = "ip proto 112"


@pytest.fixture(scope="module")
def formation(lab, boxes):
    """A pair started under observation, once for all cases of this file."""
    watcher = Tool(lab, "sw", "watch")
    with Capture(lab, "fw2", "hb0") as heartbeat, Capture(lab, "sw", "in-fw1", VRRP) as inside, \
            Capture(lab, "sw", "out-fw1", VRRP) as outside:
        boxes.start()
        wait_until(lambda: len(hellos(heartbeat)) >= HEARTBEATS, 10, "heartbeats are sent")
        wait_until(lambda: len(inside.packets()) >= 2 and len(outside.packets()) >= 2, 10,
                   "adverts are sent")
    events, missed = watch.load(watcher.finish())
    assert missed == 0
    return {"events": events, "heartbeat": heartbeat, "in": inside, "out": outside}


def ha_messages(capture):
    """Type 2 messages of a capture: (source, Type2, vType or None, time)."""
    out = []
    for p in capture.packets():
        if p.haslayer("IP") and p["IP"].proto == 112:
            body = bytes(p["IP"].payload)
            if body[0] & 15 == 2:
                out.append((p["IP"].src, body[2], body[8] if body[2] == 2 else None, float(p.time)))
    return out


def hellos(capture):
    """HRP hellos: VGMP header (Type2 = 2) with vType 2."""
    return [m for m in ha_messages(capture) if m[1:3] == (2, 2)]


def test_R85_one_group_active_one_standby(formation, boxes):
    """R218: each has known so since it was started."""
    assert boxes.roles() == {"FW1": "active", "FW2": "standby"}


def test_R86_vrrp_groups_follow_the_role(formation, boxes):
    assert boxes.fw1.vrrp() == {1: "active", 2: "active"}
    assert boxes.fw2.vrrp() == {1: "standby", 2: "standby"}


@pytest.mark.parametrize("side", SIDES)
def test_R32_R87_gratuitous_arp_for_every_virtual_ip(formation, side):
    garps = [e for e in formation["events"] if e.kind == "garp" and e.vip == side]
    assert garps, "no gratuitous ARP"
    assert {e.box for e in garps} == {"fw1"}
    assert {e.side for e in garps} == {side}
    assert all(f"{VIPS[side].address} at {VIPS[side].mac}" in e.text for e in garps)


@pytest.mark.parametrize("side", SIDES)
def test_R34_R88_switches_learn_the_virtual_mac_on_fw1(formation, lab, boxes, side):
    def port():
        out = lab.run("sw", "bridge", "fdb", "show", "br", f"br-{side}").stdout
        return [line for line in out.splitlines() if line.startswith(VIPS[side].mac)]
    lines = wait_until(port, 3, "the switch knows the virtual MAC")
    assert all(f"dev {side}-fw1" in line for line in lines), lines


def test_R89_active_sends_heartbeats_over_the_heartbeat_link(formation):
    seen = hellos(formation["heartbeat"])
    assert {m[0] for m in seen} == {BOX_ADDRESS["fw1"]["hb"]}
    times = [m[3] for m in seen]
    period = (times[-1] - times[0]) / (len(times) - 1) * 1000
    assert period == pytest.approx(HELLO_MS, rel=0.25)


def test_R53_ha_messages_only_on_the_heartbeat_port(formation):
    assert [e for e in formation["events"] if e.kind == "ha"] == []
    assert ha_messages(formation["heartbeat"])


@pytest.mark.parametrize("side", SIDES)
def test_VRP_01_adverts_are_clean_vrrp(formation, side):
    rows = formation[side].tshark(
        "vrrp", "eth.src", "eth.dst", "ip.dst", "ip.ttl", "vrrp.version", "vrrp.type",
        "vrrp.virt_rtr_id", "vrrp.checksum.status", "vrrp.ip_addr", "_ws.malformed", "_ws.expert")
    vip = VIPS[side]
    assert rows
    for row in rows:
        assert row[:4] == [vip.mac, "01:00:5e:00:00:12", "224.0.0.18", "255"]
        assert row[4] in ("2", "3") and row[5] == "1" and row[6] == str(vip.vrid)
        assert row[7] in ("1", "Good") and row[8] == vip.address
        assert row[9:] == ["", ""], f"tshark: {row[9:]}"


@pytest.mark.parametrize("side", SIDES)
def test_R31_R52_adverts_keep_one_priority(formation, side):
    rows = formation[side].tshark("vrrp", "vrrp.prio")
    assert {r[0] for r in rows} == {"120"}, "fixed priority under VGMP"


@pytest.mark.parametrize("side", SIDES)
def test_VRP_02_standby_sends_nothing_for_the_virtual_ip(formation, side):
    events = formation["events"]
    assert watch.claims(events, box="fw2") == []
    assert watch.claims(events, vip=side, box="fw1") != []


@pytest.mark.parametrize("host,side,target", [("cli", "in", CLIENT), ("srv", "out", SERVER)])
def test_R33_only_the_active_answers_arp(formation, lab, boxes, host, side, target):
    vip = VIPS[side]
    watcher = Tool(lab, "sw", "watch")
    out = lab.run(host, "arping", "-c", "3", "-w", "5", "-I", "eth0", vip.address).stdout
    events, _ = watch.load(watcher.finish())
    answers = [line for line in out.splitlines() if "reply from" in line]
    assert len(answers) >= 3, out
    assert all(vip.mac.upper() in a.upper() for a in answers), "with the virtual MAC only"
    assert {e.box for e in watch.claims(events, vip=side)} == {"fw1"}
    assert not [e for e in events if e.box == "fw2" and e.kind != "own"]


def test_heartbeat_link_is_running(formation, boxes):
    for box in boxes:
        assert f"{INTERFACE['hb']}" in box.show("display hrp interface")
        assert "running" in box.show("display hrp interface")


def test_lone_box_becomes_active(lab, boxes):
    """X27: without a peer, after the dead time. Last in this file: it takes the pair apart."""
    boxes.end()
    boxes.fw2.start()
    boxes.fw2.wait_role("active", 5)

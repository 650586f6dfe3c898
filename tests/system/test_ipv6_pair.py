# SPDX-License-Identifier: BSD-3-Clause
"""IPv6 through a pair: the hosts' gateways are virtual addresses, link-local at the client, and
what both boxes say of them on the wire."""
import subprocess
from contextlib import ExitStack

import pytest
from capture import Capture
from conftest import DEAD_MS, HELLO_MS

from twlab import download, watch
from twlab.config import add_ipv6
from twlab.tool import Tool
from twlab.topology import BOXES, HOST_SIDE, SERVER6, SIDES, VIPS
from twlab.wait import wait_until

SIZE = 3_000_000
RATE = 1_000_000
INTERVAL = 0.02  # of ping, seconds
LOST_MS = DEAD_MS + 2 * HELLO_MS


@pytest.fixture(scope="module")
def module_config():
    return lambda config: add_ipv6(config, config["system"]["name"].lower())


@pytest.fixture
def pair6(lab, pair):
    lab.ipv6()
    for box in pair:
        wait_until(lambda: {r["state"] for r in box.rows("ipv6_interface")} == {"valid"}, 5,
                   "the addresses are in use")
    return pair


class Wire:
    """What each box sends of IPv6, by box and side, as tshark sees it; and the observer's events."""

    def __init__(self, lab):
        self._captures = {(b, s): Capture(lab, "sw", f"{s}-{b}", "inbound and ip6")
                          for b in BOXES for s in SIDES}
        self._lab, self._stack, self.events = lab, ExitStack(), None

    def __enter__(self):
        with ExitStack() as stack:
            for capture in self._captures.values():
                stack.enter_context(capture)
            self._watcher = Tool(self._lab, "sw", "watch")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc):
        self._stack.close()
        self.events, missed = watch.load(self._watcher.finish())
        assert missed == 0

    def adverts(self, box, side):
        """VRRP with a priority above 0: it is 0 in what a box says that gives up."""
        return self._captures[box.host, side].tshark(
            "vrrp.prio > 0", "eth.src", "eth.dst", "ipv6.dst", "ipv6.hlim", "vrrp.version",
            "vrrp.type", "vrrp.virt_rtr_id", "vrrp.prio", "vrrp.ipv6_addr", "vrrp.checksum.status",
            "ipv6.src")

    def announced(self, box, side):
        """Neighbour adverts for the virtual address that nobody has asked for."""
        return self._captures[box.host, side].tshark(
            f"icmpv6.nd.na.target_address == {VIPS[side].address6} && icmpv6.nd.na.flag.s == 0",
            "eth.src", "eth.dst", "ipv6.src", "ipv6.dst", "ipv6.hlim", "icmpv6.nd.na.flag.r",
            "icmpv6.nd.na.flag.o", "icmpv6.opt.linkaddr", "icmpv6.checksum.status")

    def complaints(self, box, side):
        return self._captures[box.host, side].tshark(
            "_ws.malformed || _ws.expert", "frame.number", "_ws.col.Info", "_ws.expert.message")


def neighbour(lab, host):
    return lab.run(host, "ip", "-6", "neigh", "show", VIPS[HOST_SIDE[host]].address6).stdout


@pytest.mark.parametrize("host", list(HOST_SIDE))
def test_R33_gateway_resolves_to_the_virtual_mac_of_ipv6(lab, pair6, host):
    vip = VIPS[HOST_SIDE[host]]
    target = vip.address6 + ("%eth0" if vip.address6.startswith("fe80") else "")
    out = lab.run(host, "ping", "-6", "-n", "-c", "3", "-i", "0.05", "-W", "1", target,
                  check=False).stdout
    assert " 0% packet loss" in out, out
    assert vip.mac6 in neighbour(lab, host), neighbour(lab, host)


def test_X16_traffic_of_ipv6_survives_the_death_of_the_active_box(lab, pair6, servers):
    old, new = pair6.whole()
    url = f"http://[{SERVER6}]:{download.PORT}/{SIZE}/{RATE}"
    curl = lab.popen("cli", "sh", "-c", f"curl -6 -sS --max-time 20 {url} | sha256sum",
                     stdout=subprocess.PIPE, text=True)
    ping = lab.popen("cli", "ping", "-6", "-n", "-q", "-c", "100", "-i", str(INTERVAL), "-W", "1",
                     SERVER6, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: {r["protocol"] for r in new.sessions(destination=SERVER6)} >= {"tcp", "icmpv6"},
               5, "the standby has both sessions")
    old.kill()
    digest = curl.communicate(timeout=30)[0].split()[0]
    out = ping.communicate(timeout=30)[0]
    assert digest == download.checksum(SIZE)
    received = int(out.split(" received")[0].split()[-1])
    assert 100 - received <= LOST_MS / 1000 / INTERVAL, out
    assert new.role() == "active"
    for host in HOST_SIDE:
        assert VIPS[HOST_SIDE[host]].mac6 in neighbour(lab, host)


def dies(lab, box):
    return box.kill()


def loses_an_interface(lab, box):
    return lab.plug(box.host, "in", False)


def refused(box):
    """Adverts refused, by reason.  Not 0 at the start: until DPDK's af_packet has bound its socket to
    one interface it takes the frames of all, so a port may begin with hellos of the heartbeat."""
    return {row["reason"]: row["adverts"] for row in box.rows("vrrp-refused")}


@pytest.mark.parametrize("fault", [dies, loses_an_interface])
def test_VRP_01_VRP_02_R37_only_the_active_speaks_for_the_addresses(lab, pair6, fault):
    """And what it says finds tshark good.  Without traffic: the observer sees every frame."""
    old, new = pair6.whole()
    before = refused(new)
    with Wire(lab) as wire:
        for side in SIDES:
            wait_until(lambda s=side: len(wire.adverts(old, s)) >= 2, 10, "adverts of the old one")
        rows = new.rows("vrrp")
        assert all(r["adverts6_in"] >= 2 and r["conflicts"] == 0 for r in rows), rows
        assert {r["virtual_ip6"]: r["virtual_mac6"] for r in rows} == {
            v.address6: v.mac6 for v in VIPS.values()}
        assert refused(new) == before
        at = fault(lab, old)
        new.wait_role("active", 5)
        for side in SIDES:
            wait_until(lambda s=side: len(wire.announced(new, s)) >= 2 and
                       len(wire.adverts(new, s)) >= 2, 10, "adverts of the new one")
    for side in SIDES:
        vip = VIPS[side]
        sources = {}
        for box in (old, new):
            rows = wire.adverts(box, side)
            for row in rows:
                assert row[:4] == [vip.mac6, "33:33:00:00:00:12", "ff02::12", "255"]
                assert row[4:9] == ["3", "1", str(vip.vrid), "120", vip.address6]
                assert row[9] in ("1", "Good")
                assert row[10].startswith("fe80::") and row[10] != vip.address6
            sources[box.name] = {row[10] for row in rows}
            assert wire.complaints(box, side) == []
        assert all(len(s) == 1 for s in sources.values()), sources
        assert sources[old.name] != sources[new.name], "each from its own link-local address"
        rows = wire.announced(new, side)
        assert len(rows) in (2, 3), "at once, again after a second, and when the peer has stepped down late"
        for row in rows:
            assert row[:5] == [vip.mac6, "33:33:00:00:00:01", vip.address6, "ff02::1", "255"]
            assert row[5:8] == ["1", "1", vip.mac6] and row[8] in ("1", "Good")
        assert wire.announced(old, side) == []
    claims = watch.claims(wire.events, box=new.host)
    first = min(e.t for e in claims)
    assert first >= at, "the standby has kept silent"
    assert [e for e in watch.claims(wire.events, box=old.host) if e.t >= first] == []
    assert {(e.side, e.vip) for e in claims if e.kind == "na"} == {(s, s) for s in SIDES}
    owners = watch.takeovers(wire.events, old.host, new.host, at)
    assert owners["two_owners_ms"] == 0, owners

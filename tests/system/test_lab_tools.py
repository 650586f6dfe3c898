# SPDX-License-Identifier: BSD-3-Clause
"""The measuring tools themselves: what they would miss, every other case would miss."""
import socket
import struct

import pytest

from twlab import config, download, probe, suite, watch
from twlab.measure import Traffic
from twlab.watch import Event

MAC1, MAC2 = bytes.fromhex("00005e000101"), bytes.fromhex("00005e000102")
MAC3 = bytes.fromhex("00005e000103")
MAC6 = bytes.fromhex("00005e000201")
REAL = bytes.fromhex("020000000001")
ALL = b"\xff" * 6


def arp(op, src, sha, spa, tpa):
    return (ALL + src + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) + sha
            + socket.inet_aton(spa) + bytes(6) + socket.inet_aton(tpa))


def ip(src, source, dest, proto, payload):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, proto, 0)
    return (ALL + src + b"\x08\x00" + head + socket.inet_aton(source) + socket.inet_aton(dest)
            + payload)


def vrrp(first, vrid, priority):
    return bytes([first, vrid, priority, 1, 0, 1, 0, 0])


def ip6(src, source, dest, proto, payload):
    return (ALL + src + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(payload), proto, 255)
            + socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, dest)
            + payload)


def advert6(target):
    return bytes([136, 0, 0, 0, 0xa0, 0, 0, 0]) + socket.inet_pton(socket.AF_INET6, target)


FRAMES = [  # from fw1: side, frame -> kind, virtual IP claimed
    ("garp is a claim", "in", arp(1, MAC1, MAC1, "10.1.1.1", "10.1.1.1"), "garp", "in"),
    ("so is a garp reply", "out", arp(2, MAC2, MAC2, "200.1.1.1", "200.1.1.1"), "garp", "out"),
    ("an answer for the VIP", "in", arp(2, MAC1, MAC1, "10.1.1.1", "10.1.1.10"), "arp", "in"),
    ("the VIP with a real MAC", "in", arp(2, REAL, REAL, "10.1.1.1", "10.1.1.10"), "arp", "in"),
    ("own address, virtual MAC", "in", arp(2, MAC1, MAC1, "10.1.1.2", "10.1.1.10"), "vmac", "in"),
    ("own address", "in", arp(2, REAL, REAL, "10.1.1.2", "10.1.1.10"), "own", None),
    ("somebody else's address", "in", arp(2, REAL, REAL, "10.1.1.9", "10.1.1.10"), "other", None),
    ("advert", "in", ip(MAC1, "10.1.1.2", "224.0.0.18", 112, vrrp(0x21, 1, 120)), "advert", "in"),
    ("version 3", "out", ip(MAC2, "200.1.1.2", "224.0.0.18", 112, vrrp(0x31, 2, 120)), "advert",
     "out"),
    ("second half, garp", "in", arp(1, MAC3, MAC3, "10.1.1.4", "10.1.1.4"), "garp", "in2"),
    ("second half, virtual MAC", "in", arp(2, MAC3, MAC3, "10.1.1.2", "10.1.1.10"), "vmac", "in2"),
    ("second half, advert", "out", ip(MAC3, "200.1.1.2", "224.0.0.18", 112, vrrp(0x21, 4, 120)),
     "advert", "out2"),
    ("priority 0 is no claim", "in", ip(MAC1, "10.1.1.2", "224.0.0.18", 112, vrrp(0x21, 1, 0)),
     "resign", None),
    ("an HA message", "in", ip(REAL, "10.1.1.2", "224.0.0.18", 112, vrrp(0x22, 0, 2)), "ha", None),
    ("an HA message in UDP", "in", ip(REAL, "10.1.1.2", "10.1.1.3", 17,
                                      struct.pack("!HHHH", 49152, 18514, 8, 0)), "ha", None),
    ("transit out claims inside", "out", ip(MAC2, "10.1.1.10", "200.1.1.10", 17, bytes(8)),
     "transit", "in"),
    ("transit in claims outside", "in", ip(REAL, "200.1.1.10", "10.1.1.10", 6, bytes(20)),
     "transit", "out"),
    ("ping of the VIP", "in", ip(MAC1, "10.1.1.1", "10.1.1.10", 1, bytes(8)), "ip", "in"),
    ("ping of the box", "in", ip(REAL, "10.1.1.2", "10.1.1.10", 1, bytes(8)), "own", None),
    ("IPv6 with the virtual MAC", "in", ALL + MAC1 + b"\x86\xdd" + bytes(40), "vmac", "in"),
    ("IPv6 with the virtual MAC of IPv6", "in", ALL + MAC6 + b"\x86\xdd" + bytes(40), "vmac", "in"),
    ("advert of IPv6", "in", ip6(MAC6, "fe80::9", "ff02::12", 112, vrrp(0x31, 1, 120)), "advert",
     "in"),
    ("priority 0 of IPv6", "in", ip6(MAC6, "fe80::9", "ff02::12", 112, vrrp(0x31, 1, 0)), "resign",
     None),
    ("neighbour advert", "in", ip6(MAC6, "fe80::1", "ff02::1", 58, advert6("fe80::1")), "na", "in"),
    ("with the real MAC", "out", ip6(REAL, "2001:db8:200::1", "ff02::1", 58,
                                     advert6("2001:db8:200::1")), "na", "out"),
    ("neighbour advert of the box", "in", ip6(REAL, "2001:db8:1::2", "ff02::1", 58,
                                              advert6("2001:db8:1::2")), "own", None),
    ("fe80::1 is nobody's outside", "out", ip6(REAL, "fe80::1", "ff02::1", 58, advert6("fe80::1")),
     "own", None),
    ("ping of the virtual IPv6 address", "out", ip6(REAL, "2001:db8:200::1", "2001:db8:200::10", 58,
                                                    bytes(8)), "ip", "out"),
    ("duplicate address detection", "in", ip6(REAL, "::", "ff02::1:ff00:2", 58, bytes(24)), "own",
     None),
    ("transit of IPv6", "out", ip6(REAL, "2001:db8:1::10", "2001:db8:200::10", 6, bytes(20)),
     "transit", "in"),
    ("cut", "in", b"\x00" * 10, "other", None),
    ("cut ARP", "in", arp(1, REAL, REAL, "10.1.1.1", "10.1.1.1")[:30], "other", None),
]


@pytest.mark.parametrize("side,frame,kind,vip", [f[1:] for f in FRAMES], ids=[f[0] for f in FRAMES])
def test_watch_classifies(side, frame, kind, vip):
    assert watch.classify("fw1", side, frame)[:2] == (kind, vip)


def claim(ms, box, kind="transit", vip="in"):
    return Event(int(ms * 1e6), box, "out", kind, vip, "")


TAKEOVERS = [  # events, fault ms -> two owners ms, no owner ms
    ("clean", [claim(1, "fw1"), claim(9, "fw1"), claim(50, "fw2"), claim(51, "fw2")], 10, 0, 40),
    ("old one worked on", [claim(9, "fw1"), claim(30, "fw1"), claim(50, "fw2")], 10, 0, 20),
    ("old one went on after", [claim(9, "fw1"), claim(50, "fw2"), claim(57.5, "fw1")], 10, 7.5, 40),
    ("old one woke up", [claim(9, "fw1"), claim(50, "fw2"), claim(5010, "fw1", "garp"),
                         claim(5011, "fw2")], 10, 4960, 40),
    ("never taken over", [claim(9, "fw1"), claim(30, "fw1")], 10, 0, None),
    ("resign is no claim", [claim(9, "fw1"), claim(40, "fw1", "resign", None),
                            claim(41, "fw2")], 10, 0, 31),
]


@pytest.mark.parametrize("events,fault,two,none", [t[1:] for t in TAKEOVERS],
                         ids=[t[0] for t in TAKEOVERS])
def test_watch_measures_takeover(events, fault, two, none):
    row = watch.takeover(events, "fw1", "fw2", fault * 10**6, "in")
    assert row["two_owners_ms"] == pytest.approx(two)
    assert row["no_owner_ms"] == (None if none is None else pytest.approx(none))


OWNED = [  # events of an address that is FW1's, faults ms -> owners, two owners ms, no owner ms
    ("stays", [claim(1, "fw1", "advert"), claim(900, "fw1", "advert")], [10], "fw1", 0, None),
    ("moves", [claim(1, "fw1", "advert"), claim(50, "fw2", "garp"), claim(60, "fw2", "advert")], [10],
     "fw1 fw2", 0, 40),
    ("is used until later", [claim(30, "fw1"), claim(50, "fw2"), claim(50.1, "fw2", "garp")], [10],
     "fw1 fw2", 0, 20),
    ("is given back", [claim(1, "fw1"), claim(50, "fw2", "garp"), claim(200, "fw2", "advert"),
                       claim(790, "fw2", vip="out"), claim(801, "fw1", "garp")], [10], "fw1 fw2 fw1", 0, 40),
    ("is given back, what comes is forwarded", [claim(1, "fw1"), claim(50, "fw2", "garp"), claim(790, "fw2"), claim(801, "fw1", "garp"),
                                                claim(802, "fw2")], [10], "fw1 fw2 fw1", 0, 40),
    ("is given back, and forwarded for long", [claim(1, "fw1"), claim(50, "fw2", "garp"), claim(790, "fw2"), claim(801, "fw1", "garp"),
                                               claim(861, "fw2")], [10], "fw1 fw2 fw1", 60, 40),
    ("is given back and still claimed", [claim(1, "fw1"), claim(50, "fw2", "garp"), claim(790, "fw2"), claim(801, "fw1", "garp"),
                                         claim(805, "fw2", "advert")], [10], "fw1 fw2 fw1", 4, 40),
    ("moves after all traffic", [claim(1, "fw1"), claim(50, "fw2"), claim(51, "fw2", "garp"),
                                 claim(1200, "fw1", "garp")], [10], "fw1 fw2 fw1", 0, 40),
    ("the other half goes on", [claim(1, "fw1"), claim(45, "fw1", vip="in2"), claim(50, "fw2", "garp")], [10],
     "fw1 fw2", 0, 40),
    ("has two owners", [claim(1, "fw1"), claim(50, "fw2", "garp"), claim(57.5, "fw1")], [10], "fw1 fw2", 7.5,
     40),
    ("has a second owner", [claim(1, "fw1"), claim(9, "fw2"), claim(20, "fw1")], [], "fw1", 8, None),
    ("is the other box's", [claim(1, "fw2", "advert"), claim(9, "fw2", "advert")], [], "fw1", 8, None),
]


@pytest.mark.parametrize("events,faults,owners,two,none", [t[1:] for t in OWNED], ids=[t[0] for t in OWNED])
def test_watch_says_who_owned_an_address(events, faults, owners, two, none):
    row = watch.owned(events, "in", ("in", "out"), "fw1", [f * 10**6 for f in faults], 1000 * 10**6)
    assert " ".join(row["owners"]) == owners
    assert row["two_owners_ms"] == pytest.approx(two)
    assert row["no_owner_ms"] == (None if none is None else pytest.approx(none))


def test_watch_counts_frames_of_a_woken_box():
    own_arp = Event(20, "fw1", "in", "own", None, "arp 10.1.1.2 at 02 for 10.1.1.10")
    own_ping = Event(21, "fw1", "in", "own", None, "protocol 1 to 10.1.1.10")
    events = [Event(5, "fw1", "in", "advert", "in", ""), own_arp, own_ping,
              Event(22, "fw2", "in", "garp", "in", ""), Event(23, "fw1", "in", "transit", "out", None),
              Event(40, "fw1", "in", "own", None, "protocol 1 to 10.1.1.10"),
              Event(41, "fw1", "in", "garp", "in", "")]
    found = watch.frames_after(events, "fw1", 10, 30)
    assert [e.t for e in found] == [21, 23, 41]


@pytest.mark.parametrize("arrivals,start,end,gap", [
    ([10, 11, 12, 13], 9, 14, 1), ([10, 11, 50, 51], 9, 52, 39), ([10, 11], 9, 100, 89),
    ([], 0, 70, 70), ([60, 61], 0, 62, 60),
], ids=["none", "middle", "never back", "nothing came", "late start"])
def test_probe_gap(arrivals, start, end, gap):
    assert probe.gaps([a * 10**6 for a in arrivals], start * 10**6, end * 10**6)[0] == gap


def test_probe_counts_what_did_not_come_back():
    echoes = [(0, 1000), (1, 1_001_000), (3, 3_001_000)]
    there = [(0, 900), (1, 1_000_900), (2, 2_000_900), (3, 3_000_900)]
    row = probe.report({"sent": 4, "unsent": 0, "late_ms": 0, "first": 0, "last": 3_002_000,
                        "echoes": echoes}, there)
    assert (row["sent"], row["lost"], row["lost_there"]) == (4, 1, 0)
    assert row["gap_ms"] == pytest.approx(2.0)


def test_download_content_is_the_same_for_every_length():
    whole = b"".join(download.blocks(30000))
    assert len(whole) == 30000
    assert b"".join(download.blocks(12345)) == whole[:12345]
    assert download.checksum(12345) != download.checksum(12346)


def test_config_text():
    text = config.to_text({"version": 1, "a": {"on": True, "list": [1, 2], "text": 'q"\\'},
                           "b": [{"x": 1}], "c": []})
    assert text.split() == ('version = 1; a = { on = true; list = [ 1, 2 ]; text = "q\\"\\\\"; }; '
                            'b = ( { x = 1; } ); c = ( );').split()


def entry(result, stdout, stderr="", code=0):
    return {"name": "n", "result": result, "stdout": stdout, "stderr": stderr, "returncode": code}


@pytest.mark.parametrize("log,passed,failed", [
    (entry("OK", "[==========] Running 2 test(s).\n[ RUN      ] a\n[       OK ] a\n"
           "[ RUN      ] b\n[       OK ] b\n[  PASSED  ] 2 test(s).\n"), 2, 0),
    (entry("FAIL", "[       OK ] a\n", "[  FAILED  ] b\n[  FAILED  ] tests: 1 test(s), listed "
           "below:\n[  FAILED  ] b\n\n 1 FAILED TEST(S)\n", 1), 1, 1),
    (entry("FAIL", "[       OK ] a\n[ RUN      ] b\n", "AddressSanitizer: ...", 1), 1, 1),
    (entry("TIMEOUT", "", "", -15), 0, 1),
    (entry("OK", "nothing we know"), 1, 0),
    (entry("OK", "ok 1 - a\nok 2 - b # SKIP\nok 3 c\n"), 2, 0),
], ids=["cmocka", "cmocka failed", "crashed", "timeout", "plain", "tap"])
def test_suite_counts(log, passed, failed):
    got = suite.count_test(log)
    assert (got[0], len(got[1])) == (passed, failed)


# The lab itself, with the kernel in place of a box.

@pytest.fixture
def kernel_box(lab):
    """fw1 forwards with the kernel and owns both virtual addresses."""
    for vip in watch.VIPS.values():
        lab.batch("fw1", [f"link set {vip.side}0 arp on address {vip.mac}",
                           f"addr add {vip.address}/24 dev {vip.side}0"])
    lab.run("fw1", "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")


def test_lab_measures_a_pulled_cable(lab, kernel_box, servers):
    """The outage has just the length it was given: the kernel forwards at once before and after,
    but asks for the client's address again first, and so it only has a lower bound here."""
    with Traffic(lab, connections=5, download_bytes=1_000_000) as traffic:
        traffic.flow(0.3)
        start = lab.plug("fw1", "in", False)
        traffic.flow(0.2)
        end = lab.plug("fw1", "in", True)
        traffic.flow(0.5)
        report = traffic.finish()
    outage = (end - start) / 1e6
    row = report["probe"]
    assert row["gap_there_ms"] >= outage - 5
    assert row["lost"] >= outage - 5
    assert report["flows"]["kept"] == 5 and report["download"]["ok"], report
    assert report["missed_by_observer"] == 0
    assert {e.box for e in report["events"]} == {"fw1"}
    assert {"transit"} <= {e.kind for e in report["events"]}


def test_lab_down_leaves_nothing(lab):
    """Not even a process that nobody noted."""
    stray = lab.popen("cli", "sleep", "1000")
    noted = lab.popen("srv", "sleep", "1000")
    lab.note("noted", noted.pid)
    noted.send_signal(19)  # frozen
    lab.down()
    assert stray.wait(1) and noted.wait(1)
    assert not lab.dir.exists() and not lab.exists()
    lab.up()

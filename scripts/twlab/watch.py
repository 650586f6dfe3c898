# SPDX-License-Identifier: BSD-3-Clause
"""watch: an observer on the switches' ports that notes every frame a box sends, and who it says it is.

The observer sits where the boxes' cables enter the switches, so it knows the sender by the port
and not by what the frame claims.  Times are the kernel's receive times.

A frame CLAIMS a virtual IP when the sender acts as its owner:
    advert      VRRP type 1 with a priority above 0 (priority 0 gives the address up)
    garp, arp   ARP whose sender address is the virtual IP (target the same: gratuitous)
    na          a neighbour advert for the virtual IPv6 address
    ip          IP from the virtual IP itself, of either family
    vmac        anything else with the virtual MAC as Ethernet or ARP source
    transit     a forwarded packet: whoever sends it out on one side took it in as the owner of the
                other side's virtual MAC, so it claims the virtual IP of the other side (of the two
                with load sharing the first; sharing.py knows better)
Not claims: `own` (ARP and IP of the box's own address; of IPv6 all that is link-local or to a group), `resign`, `ha` (VRRP type 2 or UDP 18514,
which have no business on a service port) and `other`.

For one takeover from box A to box B, per virtual IP:
    two owners = A's last claim - B's first claim, when that is positive: A went on after B began
    no owner   = B's first claim - the later of the fault and A's last claim before it
"""
import errno
import selectors
import socket
import struct
import sys
import time
from collections import namedtuple

from .tool import SO_RCVBUFFORCE, SO_TIMESTAMPNS, kernel_time, ready, result, stop_requested
from .topology import BOX_ADDRESS, BOX_ADDRESS6, BOXES, SECOND_VIPS, SIDES, VIPS, other_side

ETH_P_ALL = 3
SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23
SNAP = 128
CLAIMS = {"advert", "garp", "arp", "na", "ip", "vmac", "transit"}
HA_PORT = 18514

Event = namedtuple("Event", "t box side kind vip text")  # vip: side of the address claimed, or None

_ALL_VIPS = {**VIPS, **SECOND_VIPS}
_VIP_BY_ADDRESS = {socket.inet_aton(v.address): s for s, v in _ALL_VIPS.items()}
_VIP_BY_ADDRESS6 = {socket.inet_pton(socket.AF_INET6, v.address6): s for s, v in VIPS.items()}
_VIP_BY_MAC = {bytes.fromhex(mac.replace(":", "")): s for s, v in _ALL_VIPS.items()
               for mac in (v.mac, v.mac6)}
_OWN6 = {b: {socket.inet_pton(socket.AF_INET6, a) for a in BOX_ADDRESS6[b].values()} for b in BOXES}
_OWN = {b: {socket.inet_aton(a) for a in BOX_ADDRESS[b].values()} for b in BOXES}


def _classify_arp(box, side, src, frame):
    sha, spa, tpa = frame[22:28], frame[28:32], frame[38:42]
    text = f"{socket.inet_ntoa(spa)} at {sha.hex(':')} for {socket.inet_ntoa(tpa)}"
    if spa in _VIP_BY_ADDRESS:
        return ("garp" if spa == tpa else "arp"), _VIP_BY_ADDRESS[spa], text
    if src in _VIP_BY_MAC or sha in _VIP_BY_MAC:
        return "vmac", _VIP_BY_MAC.get(src, _VIP_BY_MAC.get(sha)), text
    return ("own" if spa in _OWN[box] else "other"), None, "arp " + text


def _classify_vrrp(side, payload):
    vrid, priority = payload[1], payload[2]
    text = f"vrid {vrid} priority {priority} version {payload[0] >> 4}"
    if payload[0] & 15 != 1:
        return "ha", None, f"VRRP type {payload[0] & 15}"
    if priority == 0:
        return "resign", None, text
    return "advert", next((s for s, v in _ALL_VIPS.items() if v.vrid == vrid), side), text


def _classify_ip6(box, side, src, frame):
    proto, source, dest, payload = frame[20], frame[22:38], frame[38:54], frame[54:]
    text = (f"protocol {proto} {socket.inet_ntop(socket.AF_INET6, source)} > "
            f"{socket.inet_ntop(socket.AF_INET6, dest)}")
    if proto == 112 and len(payload) >= 8:
        return _classify_vrrp(side, payload)
    if proto == 58 and len(payload) >= 24 and payload[0] == 136:
        target = payload[8:24]
        text = f"{socket.inet_ntop(socket.AF_INET6, target)} at {src.hex(':')} for {text}"
        # The link-local virtual address is one of one side only.
        if _VIP_BY_ADDRESS6.get(target) == side:
            return "na", side, text
    if src in _VIP_BY_MAC:
        return "vmac", _VIP_BY_MAC[src], text
    if _VIP_BY_ADDRESS6.get(source) == side:
        return "ip", side, text
    if source in _OWN6[box] or source[0] == 0xfe or not any(source) or dest[0] == 0xff:
        return "own", None, text
    return "transit", other_side(side), text


def _classify_ip(box, side, src, frame):
    ihl = (frame[14] & 15) * 4
    proto, source, dest = frame[23], frame[26:30], frame[30:34]
    payload = frame[14 + ihl:]
    if proto == 112 and len(payload) >= 8:
        return _classify_vrrp(side, payload)
    if proto == 17 and len(payload) >= 4 and HA_PORT in struct.unpack_from("!HH", payload):
        return "ha", None, "UDP"
    if source in _VIP_BY_ADDRESS:
        return "ip", _VIP_BY_ADDRESS[source], f"protocol {proto} to {socket.inet_ntoa(dest)}"
    if source in _OWN[box]:
        return "own", None, f"protocol {proto} to {socket.inet_ntoa(dest)}"
    return "transit", other_side(side), (
        f"protocol {proto} {socket.inet_ntoa(source)} > {socket.inet_ntoa(dest)}")


def classify(box, side, frame):
    """=> (kind, side of the virtual IP it claims or None, text)."""
    if len(frame) < 14:
        return "other", None, f"{len(frame)} bytes"
    src, ethertype = frame[6:12], struct.unpack_from("!H", frame, 12)[0]
    if ethertype == 0x0806 and len(frame) >= 42:
        return _classify_arp(box, side, src, frame)
    if ethertype == 0x0800 and len(frame) >= 34:
        return _classify_ip(box, side, src, frame)
    if ethertype == 0x86dd and len(frame) >= 54:
        return _classify_ip6(box, side, src, frame)
    if src in _VIP_BY_MAC:
        return "vmac", _VIP_BY_MAC[src], f"type {ethertype:#06x}"
    return "other", None, f"type {ethertype:#06x}"


# ---- the tool ----
def open_port(name):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sock.bind((name, ETH_P_ALL))
    sock.setblocking(False)
    return sock


def drain(sock, box, side, events):
    for _ in range(256):
        try:
            frame, ancillary, _, _ = sock.recvmsg(SNAP, 64)
        except BlockingIOError:
            return
        except OSError as e:
            if e.errno == errno.ENETDOWN:  # the cable was pulled; it may come back
                return
            raise
        kind, vip, text = classify(box, side, frame)
        # Of transit traffic, of which there is much, only the time matters.
        events.append((kernel_time(ancillary, time.time_ns()), box, side, kind, vip,
                       None if kind == "transit" else text))


def main():
    selector = selectors.DefaultSelector()
    for box in BOXES:
        for side in SIDES:
            selector.register(open_port(f"{side}-{box}"), selectors.EVENT_READ, (box, side))
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    ready()
    events = []
    stopping = False
    while not stopping:
        for key, _ in selector.select(1):
            if key.data is None:
                stopping = stop_requested()
            else:
                drain(key.fileobj, *key.data, events)
    missed = 0
    for key in list(selector.get_map().values()):
        if key.data is not None:
            drain(key.fileobj, *key.data, events)
            missed += struct.unpack("II", key.fileobj.getsockopt(
                SOL_PACKET, PACKET_STATISTICS, 8))[1]
    result({"events": events, "missed": missed})


# ---- what follows from the events ----
def load(tool_result):
    """=> (events in order of time, number of frames the observer missed)."""
    return sorted(Event(*e) for e in tool_result["events"]), tool_result["missed"]


def claims(events, vip=None, box=None):
    return [e for e in events if e.kind in CLAIMS and (vip is None or e.vip == vip) and
            (box is None or e.box == box)]


def takeover(events, old, new, fault_ns, vip):
    """One expected takeover of the virtual IP of side `vip`. Times in ms; None: it never came."""
    first = next((e.t for e in claims(events, vip, new) if e.t >= fault_ns), None)
    mine = [e.t for e in claims(events, vip, old)]
    if first is None:
        return {"two_owners_ms": 0.0, "no_owner_ms": None, "first_claim_ns": None}
    before = max([fault_ns] + [t for t in mine if t < first])
    after = [t for t in mine if t >= first]
    return {"two_owners_ms": (max(after) - first) / 1e6 if after else 0.0,
            "no_owner_ms": (first - before) / 1e6, "first_claim_ns": first}


def takeovers(events, old, new, fault_ns):
    """Both virtual IPs together: the worst of each."""
    rows = [takeover(events, old, new, fault_ns, side) for side in SIDES]
    none = [r["no_owner_ms"] for r in rows]
    return {"two_owners_ms": max(r["two_owners_ms"] for r in rows),
            "no_owner_ms": None if None in none else max(none)}


ANNOUNCED_NS = 20_000_000  # a takeover announces its address within this of its first claim
GIVEN_NS = 50_000_000	   # so long who has given an address back forwards what comes to it
SILENCE_NS = 20_000_000	   # shorter ones are the clients' and the machine's


def owner_changes(events, vip, owner=None):
    """Who owned the virtual IP `vip`, whatever happened, from its claims alone; `owner`: the first
    one, if that is known.

    A box becomes the owner with a claim that it announces (garp, na) within ANNOUNCED_NS; claims of
    another box that are not announced are those of a second owner, from the start of the first
    one's ownership to the last such claim.
    => (changes as (time, from, to), ns with two owners, the claims of second owners)."""
    mine = claims(events, vip)
    announced = {box: [e.t for e in mine if e.box == box and e.kind in ("garp", "na")]
                 for box in BOXES}
    since, changes, two, second = mine[0].t if mine else 0, [], 0, []
    last = 0  # latest claim since then of a box that is not the owner
    for e in mine:
        if e.box == owner:
            continue
        if owner is None or any(e.t <= t <= e.t + ANNOUNCED_NS for t in announced[e.box]):
            two += max(last - since, 0)
            if owner is not None:
                changes.append((e.t, owner, e.box))
            owner, since, last = e.box, e.t, 0
        else:
            last = e.t
            second.append(e)
    return changes, two + max(last - since, 0), second


def owned(events, vip, half, owner, faults, until):
    """The virtual IP `vip` over the whole time, `owner` being the first: who had it, ms with two
    owners, and the longest change of the owner, in ms: until the new one's first claim, from the
    old one's last, or from the fault (of all `faults`, in ns) if that is later. The addresses of a
    `half` are owned together, and one without traffic is claimed by adverts alone: so a claim of any
    is the old one's; and what changes after all traffic, `until`, is not measured. A box that gives
    the address back to its first owner forwards for GIVEN_NS what comes to it still, so that no
    packet is lost: that is no second owner, any other claim is."""
    given = [(at, old) for at, old, new in owner_changes(events, vip, owner)[0] if new == owner]
    changes, two, _ = owner_changes([e for e in events if e.kind != "transit" or not any(
        e.box == old and at <= e.t <= at + GIVEN_NS for at, old in given)], vip, owner)
    none = [at - max([t for t in faults if t <= at] +
                     [e.t for v in half for e in claims(events, v, old) if e.t < at], default=at)
            for at, old, _ in changes if at <= until]
    return {"owners": [owner, *(new for _, _, new in changes)], "two_owners_ms": two / 1e6,
            "no_owner_ms": max(none) / 1e6 if none else None}


def owners(events, start_ns, end_ns):
    """Over the whole time, and of both virtual IPs the worse: changes of the owner, ms with two
    owners, and ms without one.  Nobody owns an address while nobody is seen to act as its owner for
    longer than SILENCE_NS; with a probe running an owner is seen each millisecond."""
    changes = two = none = 0
    for side in SIDES:
        n, both, _ = owner_changes(events, side)
        times = [start_ns, *(e.t for e in claims(events, side) if start_ns < e.t < end_ns), end_ns]
        silent = sum(b - a for a, b in zip(times, times[1:]) if b - a > SILENCE_NS)
        changes, two, none = max(changes, len(n)), max(two, both), max(none, silent)
    return {"role_changes": changes, "two_owners_ms": two / 1e6, "no_owner_ms": none / 1e6}


def second_owners(events):
    """=> the claims that were another box's than the owner's, of both virtual IPs."""
    return [e for side in SIDES for e in owner_changes(events, side)[2]]


def frames_after(events, box, since_ns, until_ns=None):
    """What a box sent that it had no right to send while not active: everything but ARP of its own
    address with its own MAC, which is no claim and moves no switch's table.

    Between since_ns and until_ns (the box is known to have stepped down) every frame counts; later
    only claims and HA messages do, since a standby may answer for its own addresses."""
    found = []
    for e in events:
        if e.box != box or e.t < since_ns:
            continue
        own_arp = e.kind == "own" and e.text.startswith("arp ")
        early = until_ns is None or e.t < until_ns
        if e.kind in CLAIMS or e.kind == "ha" or (early and not own_arp):
            found.append(e)
    return found

# SPDX-License-Identifier: BSD-3-Clause
"""Authenticated adverts (VRP-07): a box and another program that has only the description of them.

What FW1 sends is checked by it, and what it sends takes the role, or not, from a host of the inside.
"""
import struct
import sys
import time
from ipaddress import ip_address
from pathlib import Path

import pytest
from capture import Capture

from twlab.topology import INTERFACE
from twlab.wait import wait_until

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import vrrp_hmac_reference as reference  # noqa: E402

KEY, SECRET = 7, bytes(range(100, 148))
FORGER = {4: ip_address("10.1.1.99").packed, 6: ip_address("fe80::99").packed}
ROWS = [(51, 2, "10.1.1.151"), (52, 3, "10.1.1.152"), (53, 3, "fe80::1:35")]  # vrid, version, address
SEND = ("import socket, sys; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0); "
        "s.bind(('eth0', 0)); [s.send(bytes.fromhex(f)) for f in sys.argv[1:]]")


def group(vrid, version, address):
    one = {"vrid": vrid, "interface": INTERFACE["in"], "advert_ms": 1000, "priority": 100,
           "auth": {"type": "hmac", "keys": [{"id": KEY, "secret": "hex:" + SECRET.hex()}]}}
    if ":" in address:
        return one | {"virtual_ip6": address}
    return one | {"virtual_ip": address, "version": version}


@pytest.fixture
def box(lab, one_box):
    """FW1 alone, master of every row."""
    config = one_box.config
    config.pop("hrp")
    config["ports"] = [p for p in config["ports"] if p["name"] != "p2"]
    config["interfaces"] = [i for i in config["interfaces"] if i["port"] != "p2"]
    config["vrrp"] = [group(*row) for row in ROWS]
    for interface in config["interfaces"]:
        if interface["name"] == INTERFACE["in"]:
            interface["address6"] = ["2001:db8:1::2/64"]
    one_box.start()
    wait_states(one_box, "Master")
    return one_box


def wait_states(box, state):
    wait_until(lambda: [r["state"] for r in box.rows("vrrp")] == [state] * len(ROWS), 20,
               lambda: f"{state}: {box.rows('vrrp')}")


def refused(box):
    return {r["reason"]: r["adverts"] for r in box.rows("vrrp-refused")}


def frame(vrid, version, address, **changes):
    """An advert of the forger, as it is on the cable."""
    family = ip_address(address).version
    advert = {"version": version, "family": family, "vrid": vrid, "priority": 200,
              "interval_ms": 1000, "plain_sum": False, "wall_ns": time.time_ns(), "key_id": KEY,
              "secret": SECRET, "source": FORGER[family],
              "destination": reference.MULTICAST[family],
              "addresses": [ip_address(address).packed]} | changes
    payload = reference.payload(advert)
    if family == 6:
        header = struct.pack("!IHBB", 0x6c000000, len(payload), 112, 255)
        header += advert["source"] + advert["destination"]
        mac, kind = "333300000012", 0x86dd
    else:
        header = struct.pack("!BBHHHBBH", 0x45, 0xc0, 20 + len(payload), 0, 0, 255, 112, 0)
        header += advert["source"] + advert["destination"]
        header = header[:10] + struct.pack("!H", reference.inet_sum(header)) + header[12:]
        mac, kind = "01005e000012", 0x0800
    return bytes.fromhex(mac + "020000000099") + struct.pack("!H", kind) + header + payload


def send(lab, frames):
    lab.run("cli", "python3", "-c", SEND, *(f.hex() for f in frames))


def refuses(lab, box, reason, **changes):
    """One of each row, changed so, is refused for that, and takes no role."""
    before = refused(box)[reason]
    send(lab, [frame(*row, **changes) for row in ROWS])
    wait_until(lambda: refused(box)[reason] == before + len(ROWS), 10,
               lambda: f"{reason}: {refused(box)}")
    wait_states(box, "Master")


def check_sent(lab, box):
    """Those of FW1, by the reference."""
    with Capture(lab, "sw", "in-fw1", "proto 112 or ip6 proto 112") as capture:
        wait_until(lambda: len({bytes(p)[15 + (20 if p.type == 0x0800 else 40)]
                                for p in capture.packets()}) == len(ROWS), 10, "one of each row")
    for packet in capture.packets():
        data = bytes(packet)[14:]
        family = data[0] >> 4
        at, source = (20, data[12:16]) if family == 4 else (40, data[8:24])
        length = struct.unpack("!H", data[2:4])[0] if family == 4 else 40 + struct.unpack(
            "!H", data[4:6])[0]
        message, behind = data[at:length - 28], data[length - 28:length]
        number = struct.unpack("!Q", behind[4:12])[0]
        assert behind == reference.trailer(KEY, SECRET, family, message[0] >> 4, message[1],
                                           source, message, number)
        assert abs((number >> 32) - time.time()) < 60


def test_VRP_07_authenticated_adverts(lab, box):
    check_sent(lab, box)
    refuses(lab, box, "no_trailer", secret=None, priority=255)
    refuses(lab, box, "bad_hmac", secret=bytes(32))
    refuses(lab, box, "unknown_key", key_id=KEY + 1)
    refuses(lab, box, "stale", wall_ns=time.time_ns() - 60 * 10**9)
    good = [frame(*row) for row in ROWS]
    send(lab, good)
    wait_states(box, "Backup")
    assert [r["authentic_in"] for r in box.rows("vrrp")] == [1] * len(ROWS)
    # Recorded and sent again: it does not keep FW1 from becoming master once the forger is silent.
    send(lab, good)
    wait_until(lambda: refused(box)["replayed"] == len(ROWS), 10, lambda: f"{refused(box)}")
    wait_states(box, "Master")
    shown = box.show("display vrrp")
    assert shown.count(f"hmac, enforce, sends key {KEY}, knows 1, time within 5 s") == len(ROWS)
    assert SECRET.hex() not in shown

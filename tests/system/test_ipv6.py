# SPDX-License-Identifier: BSD-3-Clause
"""IPv6 through one box: its own addresses are the gateways."""
import pytest

from twlab import download
from twlab.topology import BOX_ADDRESS6, CLIENT6, INTERFACE, SERVER6
from twlab.wait import wait_until


def ping(lab, host, target, *more):
    return lab.run(host, "ping", "-6", "-n", "-c", "5", "-i", "0.05", "-W", "1", *more, target,
                   check=False).stdout


@pytest.mark.parametrize("host,side", [("cli", "in"), ("srv", "out")])
def test_the_box_answers(lab, box6, host, side):
    out = ping(lab, host, BOX_ADDRESS6["fw1"][side])
    assert " 0% packet loss" in out, out
    neighbours = {r["address"]: r for r in box6.rows("ipv6_neighbor")}
    assert any(r["interface"] == INTERFACE[side] and r["state"] in ("reachable", "stale")
               for r in neighbours.values()), neighbours


@pytest.mark.parametrize("size", [8, 56, 1452])
def test_ping_through_the_box(lab, box6, size):
    out = ping(lab, "cli", SERVER6, "-s", size)
    assert " 0% packet loss" in out and "ttl=63" in out, out


def test_sessions_are_shown_and_reset_by_address(lab, box6):
    ping(lab, "cli", SERVER6)
    rows = box6.sessions(source=CLIENT6 + "/128", protocol="icmpv6")
    assert [r["destination"] for r in rows] == [SERVER6] * len(rows) and rows, rows
    assert f"{SERVER6}]" in box6.show("display firewall session table address 2001:db8:200::/48")
    assert box6.sessions(address="0.0.0.0/0", protocol="icmpv6") == []
    box6.show(f"reset firewall session table destination {SERVER6}")
    wait_until(lambda: not box6.sessions(destination=SERVER6), 5, "they are gone")


def test_the_policy_stops_what_it_should(lab, box6):
    before = box6.drops()["policy"]
    out = ping(lab, "srv", CLIENT6)
    assert " 0 received" in out, out
    assert box6.drops()["policy"] - before >= 5


def test_curl_download(lab, box6, servers):
    done = lab.run("cli", "curl", "-6", "-sS", "--max-time", "20", "-o", "/dev/null", "-w",
                   "%{size_download}",
                   f"http://[{SERVER6}]:{download.PORT}/5000000/1000000000", check=False)
    assert done.stdout.strip() == "5000000", done.stdout

# SPDX-License-Identifier: BSD-3-Clause
"""What a user sees of a whole pair: real clients through the policy, and what the policy stops."""
import json

import pytest

from twlab import download, flows
from twlab.download import Download
from twlab.tool import Tool
from twlab.topology import BOX_ADDRESS, CLIENT, INTERFACE, SERVER, SIDES, VIPS
from twlab.wait import wait_until


def test_ping_through_the_pair(pair):
    out = pair.lab.run("cli", "ping", "-n", "-c", "20", "-i", "0.02", "-W", "1", SERVER).stdout
    assert " 0% packet loss" in out and "ttl=63" in out, out


@pytest.mark.parametrize("size", [1, 56, 1472])
def test_ping_sizes(pair, size):
    out = pair.lab.run("cli", "ping", "-n", "-c", "3", "-i", "0.1", "-W", "1", "-M", "do",
                       "-s", size, SERVER).stdout
    assert " 0% packet loss" in out, out


@pytest.mark.parametrize("host,side", [("cli", "in"), ("srv", "out")])
def test_R33_gateway_resolves_to_the_virtual_mac(pair, host, side):
    pair.lab.run(host, "ping", "-n", "-c", "1", "-W", "1", VIPS[side].address, check=False)
    out = pair.lab.run(host, "ip", "neigh", "show", VIPS[side].address).stdout
    assert VIPS[side].mac in out, out


def test_expired_ttl_is_dropped_and_counted(pair):
    before = pair.fw1.drops()["ttl"]
    out = pair.lab.run("cli", "ping", "-n", "-c", "3", "-i", "0.1", "-W", "1", "-t", "1", SERVER,
                       check=False).stdout
    assert " 0 received" in out, out
    assert pair.fw1.drops()["ttl"] - before >= 3


def test_curl_download(pair, servers):
    got = Download(pair.lab, "cli", SERVER, 20_000_000, 1_000_000_000).finish()
    assert got["ok"], got


def test_iperf3_both_ways(pair):
    """No figure is asked for on two shared cores, but it must be more than a trickle."""
    server = pair.lab.popen("srv", "iperf3", "-s", "-1")
    try:
        wait_until(lambda: pair.lab.run("srv", "ss", "-Hltn", "sport = :5201").stdout, 5, "iperf3")
        done = pair.lab.run("cli", "iperf3", "-c", SERVER, "-t", "2", "--bidir", "-J", check=False,
                            timeout=20)
        end = json.loads(done.stdout)["end"]
        for way in ("sum_received", "sum_received_bidir_reverse"):
            assert end[way]["bits_per_second"] > 10e6, f"{way}: {end[way]}"
    finally:
        server.kill()
        server.wait()


def test_many_short_connections(pair, servers):
    before = pair.fw1.rows("statistics")[0]
    script = (f"for i in $(seq 100); do curl -sS --max-time 5 -o /dev/null "
              f"http://{SERVER}:{download.PORT}/1000/1000000 || exit 1; done")
    pair.lab.run("cli", "sh", "-c", script, timeout=60)
    after = pair.fw1.rows("statistics")[0]
    assert after["sessions_created"] - before["sessions_created"] >= 100


def test_interactive_tcp(pair, servers):
    """As ssh does: small messages both ways at once, all of them, in order."""
    tool = Tool(pair.lab, "cli", "flows", "client", SERVER, flows.PORT, 20, 0.01)
    wait_until(lambda: len(pair.fw1.sessions(protocol="tcp", destination_port=flows.PORT)) >= 20, 5,
               "the sessions are in the table")
    wait_until(lambda: len([s for s in pair.fw2.sessions(protocol="tcp",
                                                         destination_port=flows.PORT)
                            if s["remote"]]) >= 20, 5, "and in the peer's")
    report = tool.finish()
    assert report["kept"] == report["total"] == 20, report
    assert report["sent"] > 0 and report["received"] > 0


def test_session_shows_policy_and_zones(pair, servers):
    tool = Tool(pair.lab, "cli", "flows", "client", SERVER, flows.PORT, 1, 0.02)
    row = wait_until(lambda: pair.fw1.sessions(protocol="tcp", destination_port=flows.PORT), 5,
                     "the session is in the table")[0]
    assert (row["source"], row["destination"]) == (CLIENT, SERVER)
    assert (row["source_zone"], row["destination_zone"]) == ("trust", "untrust")
    assert row["policy"] == "out" and row["remote"] is False
    assert tool.finish()["kept"] == 1


# ---- what must not pass ----

def policy_drops(pair):
    return pair.fw1.drops()["policy"]


def test_policy_denies_connections_from_outside(pair):
    listener = pair.lab.popen("cli", "iperf3", "-s", "-1")
    try:
        wait_until(lambda: pair.lab.run("cli", "ss", "-Hltn", "sport = :5201").stdout, 5, "iperf3")
        before = policy_drops(pair)
        done = pair.lab.run("srv", "curl", "-sS", "--max-time", "1.5", f"http://{CLIENT}:5201/",
                            check=False)
        assert done.returncode == 28, f"curl must time out: {done.returncode} {done.stdout}"
        assert policy_drops(pair) > before
    finally:
        listener.kill()
        listener.wait()


def test_policy_denies_ping_from_outside(pair):
    before = policy_drops(pair)
    out = pair.lab.run("srv", "ping", "-n", "-c", "3", "-i", "0.1", "-W", "1", CLIENT,
                       check=False).stdout
    assert "100% packet loss" in out, out
    assert policy_drops(pair) - before >= 3


def test_policy_denies_other_source_addresses(pair):
    """The rule names 10.1.1.0/24; 10.1.2.9 is routed the same way and is not it."""
    lab = pair.lab
    lab.run("cli", "ip", "addr", "add", "10.1.2.9/32", "dev", "eth0")
    try:
        before = policy_drops(pair)
        lab.run("cli", "ping", "-n", "-c", "2", "-i", "0.1", "-W", "1", "-I", "10.1.2.9", SERVER,
                check=False)
        assert policy_drops(pair) - before >= 2
    finally:
        lab.run("cli", "ip", "addr", "del", "10.1.2.9/32", "dev", "eth0")


def test_rule_hits_are_counted(pair):
    def hits():
        return {r["rule"]: r["hits"] for r in pair.fw1.rows("security_policy")}
    before = hits()
    pair.lab.run("cli", "ping", "-n", "-c", "1", "-W", "1", SERVER)
    pair.lab.run("srv", "ping", "-n", "-c", "1", "-W", "1", CLIENT, check=False)
    wait_until(lambda: hits()["out"] > before["out"] and hits()["default"] > before["default"], 3,
               lambda: f"hits grow: {before} {hits()}")


def test_nothing_listens_on_the_firewall(pair):
    for side, host in (("in", "cli"), ("out", "srv")):
        for address in (BOX_ADDRESS["fw1"][side], VIPS[side].address):
            done = pair.lab.run(host, "curl", "-sS", "--max-time", "0.5", f"http://{address}:80/",
                                check=False)
            assert done.returncode in (7, 28), done.stdout


def test_reset_ends_a_connection(pair, servers):
    tool = Tool(pair.lab, "cli", "flows", "client", SERVER, flows.PORT, 3, 0.02)
    try:
        wait_until(lambda: len(pair.fw1.sessions(destination_port=flows.PORT)) >= 3, 5, "sessions")
        pair.fw1.show(f"reset firewall session table destination-port {flows.PORT}")
        wait_until(lambda: not pair.fw1.sessions(destination_port=flows.PORT, protocol="tcp"), 5,
                   "the sessions are gone")
        wait_until(lambda: not pair.fw2.sessions(destination_port=flows.PORT, protocol="tcp"), 5,
                   "on the standby as well")
    finally:
        tool.kill()


def test_carrier_is_shown(pair):
    def state():
        return {r["interface"]: r["state"] for r in pair.fw2.rows("interface")}
    assert set(state().values()) == {"up"}
    for side in SIDES:
        pair.lab.plug("fw2", side, False)
        wait_until(lambda s=side: state()[INTERFACE[s]] == "down", 3, "carrier lost is shown")
        pair.lab.plug("fw2", side, True)
        wait_until(lambda s=side: state()[INTERFACE[s]] == "up", 3, "carrier back is shown")


def test_udp_echo(pair):
    tool = pair.lab.popen("srv", "/usr/bin/python3", "-c",
                          "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                          "s.bind(('0.0.0.0', 9)); [s.sendto(*s.recvfrom(2048)) for _ in range(9)]")
    try:
        wait_until(lambda: pair.lab.run("srv", "ss", "-Hlun", "sport = :9").stdout, 5, "echo")
        out = pair.lab.run("cli", "/usr/bin/python3", "-c",
                           "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                           f"s.settimeout(2); s.connect(('{SERVER}', 9)); "
                           "s.send(b'x' * 1400); print(len(s.recv(2048)))").stdout
        assert out.strip() == "1400"
    finally:
        tool.kill()
        tool.wait()

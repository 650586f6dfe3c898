# SPDX-License-Identifier: BSD-3-Clause
"""The security policy of a running box: large, replaced under traffic, and what becomes of sessions."""
import json
import os

import pytest

from twlab.topology import SERVER
from twlab.wait import wait_until

RULES = 10000
RELOADS = 4
RELOAD_SECONDS = 1.0


@pytest.fixture(scope="module")
def module_config():
    """What a reload costs one box: the peer would load the same on the same CPUs at the same time."""
    def change(config):
        config["hrp"]["auto_sync_config"] = False
    return change


def many_rules(seed):
    """Rules that match none of the test's traffic, other ones for each seed."""
    return [{"name": f"rule{seed}-{i}", "source_zones": ["trust"], "destination_zones": ["untrust"],
             "source_addresses": [f"172.{16 + (i >> 8)}.{i & 255}.{seed}"],
             "services": [{"protocol": "tcp" if i % 2 else "udp", "destination_port": str(6000 + i % 4096)}],
             "action": "deny"} for i in range(RULES)]


def management_seconds(box):
    """CPU seconds of the management thread so far: wall time says more of the machine's other work."""
    with open(f"/proc/{box.pid}/task/{box.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")")[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def reload(box, rules):
    """Give the box other rules. => CPU seconds the reload took."""
    box.config["security_policy"]["rules"] = rules
    box.write_config()
    start = management_seconds(box)
    code, out = box.command("reload", timeout=30)
    assert code == 0, out
    return management_seconds(box) - start


def not_read(lab):
    """Packets that reached the server and found its socket's buffer full."""
    out = lab.run("srv", "nstat", "-asz", "UdpRcvbufErrors").stdout
    return int(out.split("UdpRcvbufErrors")[1].split()[0])


def test_DOS_01_ten_thousand_rules_are_replaced_under_traffic(pair):
    box = pair.fw1
    before = box.config["security_policy"]["rules"]
    unread = not_read(pair.lab)
    server = pair.lab.popen("srv", "iperf3", "-s", "-1")
    try:
        wait_until(lambda: pair.lab.run("srv", "ss", "-Hltn", "sport = :5201").stdout, 5, "iperf3")
        client = pair.lab.popen("cli", "iperf3", "-c", SERVER, "-u", "-b", "5M", "-l", "500", "-t", "8",
                                "-J", stdout=-1)
        wait_until(lambda: box.sessions(protocol="udp", destination_port=5201), 5, "the stream's session")
        took = [reload(box, many_rules(seed) + before) for seed in range(RELOADS)]
        assert len(box.rows("security_policy")) == RULES + 2
        out, _ = client.communicate(timeout=30)
        end = json.loads(out)["end"]["sum"]
        # A server that is short of CPU loses what has reached it.
        lost = end["lost_packets"] - (not_read(pair.lab) - unread)
        assert end["packets"] > 5000 and lost == 0, (end, lost, [b.drops() for b in pair])
        print(f"reloads of {RULES} rules: {[f'{1000 * t:.0f} ms' for t in took]}")
        assert max(took) <= RELOAD_SECONDS, took
    finally:
        server.kill()
        server.wait()
        reload(box, before)


def test_DOS_09_a_connection_ends_when_its_rule_denies(pair):
    """Both boxes forget it, and the traffic stops."""
    box, peer = pair.fw1, pair.fw2
    before = box.config["security_policy"]["rules"]
    ping = pair.lab.popen("cli", "ping", "-n", "-i", "0.1", SERVER, stdout=-1)
    try:
        wait_until(lambda: peer.sessions(protocol="icmp"), 5, "the peer has its copy")
        reload(box, [dict(before[0], name="no-ping", services=[{"protocol": "icmp"}], action="deny")]
               + before)
        wait_until(lambda: not box.sessions(protocol="icmp"), 5, "the session has ended")
        wait_until(lambda: not peer.sessions(protocol="icmp"), 5, "so has the copy")
        assert box.rows("statistics")[0]["sessions_denied"] >= 1
        hits = {r["rule"]: r["hits"] for r in box.rows("security_policy")}
        wait_until(lambda: {r["rule"]: r["hits"] for r in box.rows("security_policy")}["no-ping"]
                   > hits["no-ping"], 5, "its packets meet the new rule")
    finally:
        ping.kill()
        ping.wait()
        reload(box, before)

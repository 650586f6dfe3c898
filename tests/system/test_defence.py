# SPDX-License-Identifier: BSD-3-Clause
"""What a scanner sees of the hosts behind the box, and what the box says of it."""
import re
import subprocess
import time

import pytest
from conftest import start6

from twlab.topology import CLIENT, CLIENT6, SERVER, SERVER6
from twlab.wait import wait_until

PERMITTED = {"tcp": 80, "udp": 53}  # of the client, which listens on TCP 22 as well
PORTS = "1-100"
# What nmap calls a port that answers, one way or the other, by kind of scan. Of these only the permitted
# one may be there; FIN, NULL, XMAS, ACK and window scans get no answer at all.
SCANS = {"-sT": {80: "open"}, "-sS": {80: "open"}, "-sF": {}, "-sN": {}, "-sX": {}, "-sA": {},
         "-sW": {}, "-sU": {53: "closed"}}


def guard(lab, box, **scan):
    """The box alone, both families; the client's services behind one rule."""
    box.config["security_policy"]["rules"].append({
        "name": "in", "source_zones": ["untrust"], "destination_zones": ["trust"],
        "services": [{"protocol": p, "destination_port": str(n)} for p, n in PERMITTED.items()],
        "action": "permit"})
    box.config["scan"] = {"zones": ["untrust"], "ports": 50, "hosts": 0, **scan}
    return start6(lab, box)


@pytest.fixture
def listeners(lab):
    running = [lab.popen("cli", "nc", *family, "-lk", port, stdout=subprocess.DEVNULL)
               for family in (["-4"], ["-6"]) for port in (22, 80)]
    wait_until(lambda: len(lab.run("cli", "ss", "-Hltn", "( sport = :22 or sport = :80 )")
                           .stdout.splitlines()) >= 4, 5, "the client listens")
    yield
    for process in running:
        process.kill()
        process.wait()


def nmap(lab, kind, target):
    """=> {port: state} of what answers."""
    family = ["-6"] if ":" in target else []
    out = lab.run("srv", "nmap", *family, "-n", "-Pn", kind, "-p", PORTS, "--max-retries", "1",
                  "--min-rate", "300", "--max-rtt-timeout", "300ms", "-oG", "-", target,
                  timeout=60).stdout
    states = {int(p): s for p, s in re.findall(r"(\d+)/([a-z|]+)/(?:tcp|udp)/", out)}
    return {p: s for p, s in states.items() if s not in ("filtered", "open|filtered")}


@pytest.mark.parametrize("target,source", [(CLIENT, SERVER + "/32"), (CLIENT6, "2001:db8:200::/64")])
def test_DOS_04_scans_see_permitted_ports_only(lab, one_box, listeners, target, source):
    box = guard(lab, one_box, interval=2)
    over = time.monotonic()
    for kind, seen in SCANS.items():
        # Each kind has an interval of its own: in that of the one before, the source is told of.
        wait_until(lambda: time.monotonic() >= over, 5, "the interval is over")
        before = box.rows("statistics")[0]["scans"]
        assert nmap(lab, kind, target) == seen, kind
        over = time.monotonic() + 2
        wait_until(lambda: box.rows("statistics")[0]["scans"] > before, 5, f"{kind} is noticed")
        # A session for a port that a rule permits, none for the others.
        assert box.rows("version")[0]["sessions"] <= 16, kind
    wait_until(lambda: f"scan: {source} in zone untrust tries ports" in box.log(), 5, "the alarm")
    assert box.rows("scan")[0]["source"] == source
    assert box.rows("blacklist") == []


def test_DOS_04_a_scanner_is_blacklisted_for_a_time(lab, one_box, listeners):
    box = guard(lab, one_box, blacklist=2)
    assert lab.run("srv", "nc", "-z", "-w", "2", CLIENT, "80", check=False).returncode == 0
    nmap(lab, "-sS", CLIENT)
    wait_until(lambda: any(r["blacklisted"] for r in box.rows("scan")), 5, "it is noticed")
    assert box.drops()["blacklist"] > 0
    wait_until(lambda: lab.run("srv", "nc", "-z", "-w", "1", CLIENT, "80",
                               check=False).returncode == 0, 10, "the entry is over")
    assert box.rows("blacklist") == []


def test_DOS_02_an_entry_ends_what_exists(lab, one_box, listeners):
    box = guard(lab, one_box)
    ping = lab.popen("cli", "ping", "-n", "-i", "0.05", SERVER, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: box.sessions(source=CLIENT, protocol="icmp"), 5, "a ping runs")
        assert box.command(f"blacklist add {CLIENT}")[0] == 0
        wait_until(lambda: not box.sessions(source=CLIENT, protocol="icmp"), 5, "its session ends")
        wait_until(lambda: box.rows("blacklist")[0]["hits"] > 3, 5, "no other begins")
        assert box.rows("blacklist")[0]["sessions_ended"] >= 1
        assert box.command(f"blacklist delete {CLIENT}")[0] == 0
        wait_until(lambda: box.sessions(source=CLIENT, protocol="icmp"), 5, "it may again")
    finally:
        ping.kill()
        ping.wait()

# SPDX-License-Identifier: BSD-3-Clause
"""NAT64 through one box: the client speaks IPv6, the server IPv4."""
import hashlib

import pytest

from conftest import start6
from twlab import download
from twlab.tool import PYTHON
from twlab.topology import CLIENT6, SERVER
from twlab.wait import wait_until

PREFIX = "64:ff9b::"
TARGET = "64:ff9b::c801:10a"  # SERVER
OUTSIDE = [f"200.1.1.{n}" for n in range(40, 44)]
SIZE = 5000000
REFUSED = """
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.connect((sys.argv[1], 9))
s.settimeout(2)
for i in range(5):
    try:
        s.send(b"x")
        s.recv(10)
    except ConnectionRefusedError:
        print("refused")
        break
    except TimeoutError:
        pass
"""


@pytest.fixture
def box(lab, one_box):
    one_box.config["nat_address_groups"] = [
        {"name": "six", "vrid": 2, "addresses": [f"{OUTSIDE[0]}-{OUTSIDE[-1]}"]}]
    one_box.config["nat64"] = [
        {"name": "internet", "prefix": PREFIX + "/96", "address_group": "six", "zones": ["trust"]}]
    return start6(lab, one_box)


def ping(lab, target, *more):
    return lab.run("cli", "ping", "-6", "-n", "-c", "5", "-i", "0.05", "-W", "1", *more, target,
                   check=False).stdout


# What is longer than 1280 bytes comes back in fragments, which the client puts together.
@pytest.mark.parametrize("size", [8, 56, 1232, 1452])
def test_ping(lab, box, size):
    out = ping(lab, TARGET, "-s", size)
    assert " 0% packet loss" in out and "ttl=63" in out, out
    row, = box.sessions(source=CLIENT6 + "/128", protocol="icmpv6")
    assert (row["destination"], row["nat_destination"]) == (TARGET, SERVER), row
    assert row["nat_source"] in OUTSIDE, row


def test_curl_download(lab, box, servers, tmp_path):
    done = lab.run("cli", "curl", "-6", "-sS", "--max-time", "30", "-o", str(tmp_path / "got"), "-w",
                   "%{size_download} %{remote_ip}",
                   f"http://[{TARGET}]:{download.PORT}/{SIZE}/1000000000", check=False)
    assert done.stdout.strip() == f"{SIZE} {TARGET}", (done.stdout, done.stderr)
    got = (tmp_path / "got").read_bytes()
    assert hashlib.sha256(got).hexdigest() == download.checksum(SIZE)
    row = box.sessions(source=CLIENT6 + "/128", protocol="tcp")[0]
    assert row["nat_source"] in OUTSIDE and row["nat_destination"] == SERVER, row
    assert box.drops()["tcp_window"] == box.drops()["l4_checksum"] == 0


def test_a_closed_port_of_the_ipv4_host_refuses(lab, box):
    wait_until(lambda: " 0% packet loss" in ping(lab, TARGET), 10, "the server answers")
    assert lab.run("cli", PYTHON, "-c", REFUSED, TARGET, check=False).stdout == "refused\n"


def test_hop_limits_end_at_the_box_and_private_addresses_have_no_prefix(lab, box):
    out = ping(lab, TARGET, "-t", "1")
    assert "Time exceeded" in out, out
    before = box.drops()["nat64_destination"]
    ping(lab, "64:ff9b::10.1.1.10")
    assert box.drops()["nat64_destination"] - before == 5


def test_the_prefix_goes_by_a_reload_and_its_sessions_with_it(lab, box):
    assert " 0% packet loss" in ping(lab, TARGET)
    assert box.sessions(source=CLIENT6 + "/128", protocol="icmpv6")
    box.config["nat64"] = []
    box.write_config()
    assert box.command("reload")[0] == 0
    wait_until(lambda: not box.sessions(source=CLIENT6 + "/128"), 5, "its sessions are gone")
    assert " 0 received" in ping(lab, TARGET)

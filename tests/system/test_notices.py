# SPDX-License-Identifier: BSD-3-Clause
"""What senders hear from the firewall, by the programs that ask for it: traceroute, ping, curl."""
import re

import pytest

from twlab import download
from twlab.tool import PYTHON
from twlab.topology import BOX_ADDRESS, BOX_ADDRESS6, CLIENT6, INTERFACE, SERVER, SERVER6

MTU = 1400  # of the firewall's interfaces; the hosts believe in 1500
REJECTED = 2323
DOWNLOAD = 2_000_000

# Says what a connected UDP socket hears after it has sent something.
UDP_CLIENT = """
import errno, socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b"x")
try:
    s.recv(10)
except OSError as e:
    print(errno.errorcode.get(e.errno, e))
"""


@pytest.fixture(scope="module")
def module_config():
    """Both boxes alike: smaller MTUs, and a service that is rejected."""
    def change(config):
        for interface in config["interfaces"]:
            if interface["name"] in (INTERFACE["in"], INTERFACE["out"]):
                interface["mtu"] = MTU
        port = f"{REJECTED}-{REJECTED}"
        config["security_policy"]["rules"].insert(0, {
            "name": "no", "source_zones": ["trust"], "destination_zones": ["untrust"],
            "services": [{"protocol": p, "destination_port": port} for p in ("tcp", "udp")],
            "action": "reject"})
    return change


@pytest.fixture
def box(lab, box6):
    """The hosts have forgotten path MTUs."""
    for host in ("cli", "srv"):
        for family in ("-4", "-6"):
            lab.run(host, "ip", family, "route", "flush", "cache")
    return box6


def notices(box):
    return box.rows("statistics")[0]["notices_made"]


@pytest.mark.parametrize("probe", ["-I", "-U", "-T"])
@pytest.mark.parametrize("server,hop", [(SERVER, BOX_ADDRESS["fw1"]["in"]),
                                        (SERVER6, BOX_ADDRESS6["fw1"]["in"])])
def test_FRG_22_traceroute_shows_the_firewall(lab, box, probe, server, hop):
    before = notices(box)["time_exceeded"]
    out = lab.run("cli", "traceroute", "-n", probe, "-q", "2", "-w", "2", "-m", "4", server).stdout
    hops = re.findall(r"^ *(\d+)  (\S+) ", out, re.MULTILINE)
    assert hops == [("1", hop), ("2", server)], out
    assert notices(box)["time_exceeded"] - before >= 2


@pytest.mark.parametrize("server,headers,heard", [
    (SERVER, 28, f"mtu = {MTU}"),
    (SERVER6, 48, f"mtu: {MTU}|mtu={MTU}"),
])
def test_FRG_14_ping_hears_the_mtu(lab, box, server, headers, heard):
    def ping(size):
        return lab.run("cli", "ping", "-n", "-c", "2", "-i", "0.1", "-W", "1", "-M", "do", "-s",
                       size, server, check=False).stdout
    assert " 0% packet loss" in ping(MTU - headers)
    before = notices(box)["too_big"]
    out = ping(MTU - headers + 1)
    assert "100% packet loss" in out and re.search(heard, out), out
    assert notices(box)["too_big"] > before


def test_FRG_15_a_packet_without_df_is_cut(lab, box):
    """Either way: the request on its way out, the reply on its way in."""
    before = box.rows("statistics")[0]
    out = lab.run("cli", "ping", "-n", "-c", "5", "-i", "0.1", "-W", "1", "-M", "dont", "-s", 1472,
                  SERVER, check=False).stdout
    assert " 0% packet loss" in out, out
    after = box.rows("statistics")[0]
    assert after["fragmented"] == before["fragmented"] + 10
    # Each in two; where the first packet waits for a MAC, the control core sends its second piece.
    assert after["fragments"] - before["fragments"] in (8, 9, 10)
    assert after["fragments_lost"] == 0


@pytest.mark.parametrize("server", [SERVER, f"[{SERVER6}]"])
def test_FRG_14_curl_through_the_smaller_mtu(lab, box, servers, server):
    """Path MTU discovery: the server's segments are too large until it hears so."""
    before = notices(box)["too_big"]
    got = lab.run("cli", "curl", "-sS", "--max-time", "20", "-o", "/dev/null", "-w",
                  "%{size_download}", f"http://{server}:{download.PORT}/{DOWNLOAD}/1000000000",
                  check=False).stdout
    assert got.strip() == str(DOWNLOAD), got
    assert notices(box)["too_big"] > before


@pytest.mark.parametrize("server", [SERVER, f"[{SERVER6}]"])
def test_reject_refuses_a_connection_at_once(lab, box, server):
    before = notices(box)["reset"]
    done = lab.run("cli", "curl", "-sSv", "--max-time", "5", "-w", "\n%{time_total}",
                   f"http://{server}:{REJECTED}/", check=False)
    assert done.returncode == 7 and "refused" in done.stdout, done.stdout
    assert float(done.stdout.split()[-1]) < 1, done.stdout
    assert notices(box)["reset"] > before
    assert box.drops()["policy_reject"] > 0


@pytest.mark.parametrize("server,error", [(SERVER, "EHOSTUNREACH"), (SERVER6, "EACCES")])
def test_reject_is_heard_by_a_udp_socket(lab, box, server, error):
    out = lab.run("cli", PYTHON, "-c", UDP_CLIENT, server, REJECTED).stdout
    assert out.strip() == error, out


def test_deny_is_not_heard(lab, box):
    """From outside nothing is permitted: no answer, whatever the TTL."""
    before = box.rows("statistics")[0]["notices"]
    out = lab.run("srv", "ping", "-n", "-c", "2", "-i", "0.1", "-W", "1", "-t", "1", "10.1.1.10",
                  check=False).stdout
    out += lab.run("srv", "ping", "-6", "-n", "-c", "2", "-i", "0.1", "-W", "1", CLIENT6,
                   check=False).stdout
    assert "From" not in out and out.count("100% packet loss") == 2, out
    assert box.rows("statistics")[0]["notices"] == before

# SPDX-License-Identifier: BSD-3-Clause
"""IPv6 through a pair: the hosts' gateways are virtual addresses, link-local at the client."""
import subprocess
import time

import pytest
from conftest import DEAD_MS, HELLO_MS

from twlab import download
from twlab.config import add_ipv6
from twlab.topology import HOST_SIDE, SERVER6, VIPS
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
    time.sleep(0.7)
    old.kill()
    digest = curl.communicate(timeout=30)[0].split()[0]
    out = ping.communicate(timeout=30)[0]
    assert digest == download.checksum(SIZE)
    received = int(out.split(" received")[0].split()[-1])
    assert 100 - received <= LOST_MS / 1000 / INTERVAL, out
    assert new.role() == "active"
    for host in HOST_SIDE:
        assert VIPS[HOST_SIDE[host]].mac6 in neighbour(lab, host)

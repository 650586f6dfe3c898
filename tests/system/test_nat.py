# SPDX-License-Identifier: BSD-3-Clause
"""Public addresses of a pair in the subnet of its outer interface: who answers for them, what a
takeover does to translated connections, and what the box says of it."""
import subprocess

import pytest
from capture import Capture

from twlab import download
from twlab.tool import PYTHON
from twlab.topology import CLIENT, SERVER, VIPS
from twlab.wait import wait_until

POOL = ["200.1.1.100", "200.1.1.101"]
WEB = "200.1.1.110"  # of a server at the client
PORT, INSIDE_PORT = 8080, 8000
PAGE = "from the inside\n"
SIZE = 3_000_000
RATE = 1_000_000


@pytest.fixture(scope="module")
def module_config():
    def change(config):
        vrid = VIPS["out"].vrid
        config["nat_address_groups"] = [
            {"name": "office", "addresses": ["-".join(POOL)], "vrid": vrid}]
        config["nat_policy"] = {"rules": [
            {"name": "out", "source_zones": ["trust"], "destination_zones": ["untrust"],
             "action": "source-nat", "address_group": "office"}]}
        config["nat_servers"] = [
            {"name": "web", "protocol": "tcp", "public_address": WEB, "public_port": str(PORT),
             "inside_addresses": [CLIENT], "inside_port": INSIDE_PORT, "vrid": vrid}]
        config["security_policy"]["rules"].append(
            {"name": "web", "source_zones": ["untrust"], "destination_addresses": [CLIENT],
             "services": [{"protocol": "tcp", "destination_port": str(INSIDE_PORT)}],
             "action": "permit"})
    return change


@pytest.fixture(scope="module")
def web(lab):
    """A web server at the client, with one page."""
    folder = lab.dir / "web"
    folder.mkdir(exist_ok=True)
    (folder / "page").write_text(PAGE, encoding="ascii")
    process = lab.popen("cli", PYTHON, "-m", "http.server", str(INSIDE_PORT), "--directory", str(folder),
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: lab.run("cli", "ss", "-Hltn", f"sport = :{INSIDE_PORT}").stdout, 10, "it listens")
    yield
    process.kill()
    process.wait()


def fetch(lab):
    """What a host outside gets from the public address."""
    return lab.run("srv", "curl", "-sS", "--max-time", "5", f"http://{WEB}:{PORT}/page", check=False)


def mac_of(lab, address):
    return lab.run("srv", "ip", "neigh", "show", address).stdout


def test_P34_P40_a_host_behind_a_group(lab, pair):
    out = lab.run("cli", "ping", "-n", "-c", "3", "-i", "0.05", "-W", "1", SERVER, check=False).stdout
    assert " 0% packet loss" in out, out
    rows = pair.fw1.sessions(protocol="icmp", source=CLIENT)
    assert {r["nat_source"] for r in rows} <= set(POOL) and rows, rows
    assert VIPS["out"].mac in mac_of(lab, rows[0]["nat_source"])
    assert f"[{rows[0]['nat_source']}:" in pair.fw1.show("display firewall session table nat")
    group = pair.fw1.rows("nat_address_group")[0]
    assert group["group"] == "office" and group["icmp"] >= 1, group
    assert pair.fw1.rows("nat_policy")[0]["hits"] >= 1


def reload(pair, rule):
    """At the active box; the other one is given it."""
    for box in pair:
        box.config["nat_policy"]["rules"] = [rule]
    pair.fw1.write_config()
    code, out = pair.fw1.command("reload")
    assert code == 0, out
    pair.wait_config_equal()


def test_P34_easy_ip_is_the_virtual_address(lab, pair):
    """Changed by reload; the address itself still answers."""
    before = pair.fw1.config["nat_policy"]["rules"][0]
    rule = {k: v for k, v in before.items() if k != "address_group"} | {"easy_ip": True}
    ping = ("ping", "-n", "-c", "3", "-i", "0.05", "-W", "1")
    try:
        reload(pair, rule)
        out = lab.run("cli", *ping, SERVER, check=False).stdout
        assert " 0% packet loss" in out, out
        rows = pair.fw1.sessions(protocol="icmp", source=CLIENT, nat_source=VIPS["out"].address)
        assert len(rows) == 1, pair.fw1.sessions(protocol="icmp")
        out = lab.run("srv", *ping, VIPS["out"].address, check=False).stdout
        assert " 0% packet loss" in out, out
    finally:
        reload(pair, before)


def test_P34_NAT_08_a_server_inside_follows_the_active_box(lab, pair, web):
    old, new = pair.whole()
    got = fetch(lab)
    assert got.returncode == 0 and got.stdout == PAGE, got
    assert VIPS["out"].mac in mac_of(lab, WEB)
    assert old.rows("nat_server")[0]["public_port"] == str(PORT)
    with Capture(lab, "sw", f"out-{new.host}", "inbound and arp") as wire:
        old.kill()
        new.wait_role("active", 5)
        said = f"arp.isgratuitous == 1 && eth.src == {VIPS['out'].mac}"
        wait_until(lambda: {r[0] for r in wire.tshark(said, "arp.src.proto_ipv4")} >= {*POOL, WEB}, 10,
                   "the new one announces them")
    got = fetch(lab)
    assert got.returncode == 0 and got.stdout == PAGE, got


def test_X16_a_translated_download_survives_the_death_of_the_active_box(lab, pair, servers):
    old, new = pair.whole()
    url = f"http://{SERVER}:{download.PORT}/{SIZE}/{RATE}"
    curl = lab.popen("cli", "sh", "-c", f"curl -sS --max-time 20 {url} | sha256sum",
                     stdout=subprocess.PIPE, text=True)
    wait_until(lambda: new.sessions(source=CLIENT, nat=True), 5, "the standby has the session")
    before = old.sessions(source=CLIENT, nat=True)[0]
    old.kill()
    digest = curl.communicate(timeout=30)[0].split()[0]
    assert digest == download.checksum(SIZE)
    after = new.sessions(source=CLIENT, nat=True)[0]
    for end in ("protocol", "nat_source", "nat_source_port", "destination"):
        assert after[end] == before[end]
    assert new.rows("nat_address_group")[0]["tcp"] >= 1, "what it holds is taken here, too"

# SPDX-License-Identifier: BSD-3-Clause
"""More real programs through translation than in test_nat_apps.py: phones (sipp), a probe of each kind of
NAT, and what becomes of FTP and TFTP with several commands in a segment, IPv6, no gateway, a takeover."""
import contextlib
import subprocess

import apps
import pytest
import sip

from twlab.config import add_ipv6
from twlab.tool import Tool
from twlab.topology import CLIENT, CLIENT6, SERVER, SERVER6, VIPS
from twlab.wait import wait_until

OFFICE = [f"200.1.1.{n}" for n in range(40, 44)]
# Hosts inside beside the client, by the group that they leave by.
SYMMETRIC, CONE = "10.1.1.11", "10.1.1.12"
SECOND = "200.1.1.11"  # other address of the server outside
RATE = 1_500_000
MEDIA_INSIDE, MEDIA_OUTSIDE = 30000, 40000


def source_nat(name, group, **match):
    return {"name": name, "source_zones": ["trust"], "destination_zones": ["untrust"], **match,
            "action": "source-nat", "address_group": group}


@pytest.fixture(scope="module")
def module_config():
    def change(config):
        add_ipv6(config, config["system"]["name"].lower())
        vrid = VIPS["out"].vrid
        services = (("tcp", "21"), ("udp", "69"), ("udp", "3478-3479"), ("udp", "5060"), ("tcp", "5060"))
        config["security_policy"]["rules"] = [
            {"name": "out", "source_zones": ["trust"], "destination_zones": ["untrust"], "action": "permit",
             "services": [{"protocol": p, "destination_port": port} for p, port in services]}]
        config["nat_address_groups"] = [
            {"name": "office", "vrid": vrid, "addresses": [f"{OFFICE[0]}-{OFFICE[-1]}"]},
            {"name": "symmetric", "vrid": vrid, "addresses": ["200.1.1.50"],
             "mapping": "address-and-port-dependent"},
            {"name": "cone", "vrid": vrid, "addresses": ["200.1.1.51"], "filtering": "endpoint-independent"}]
        config["nat_policy"] = {"rules": [
            source_nat("symmetric", "symmetric", source_addresses=[SYMMETRIC]),
            source_nat("cone", "cone", source_addresses=[CONE]),
            source_nat("office", "office")]}
        config["alg"] = {"sip": True}
    return change


@pytest.fixture(scope="module")
def hosts(lab):
    """More addresses of the client and of the server."""
    for host, addresses in (("cli", (SYMMETRIC, CONE)), ("srv", (SECOND,))):
        for address in addresses:
            lab.run(host, "ip", "addr", "add", f"{address}/24", "dev", "eth0")


@pytest.fixture(scope="module")
def ftp_outside(lab, hosts):
    with apps.ftp_server(lab, "srv", SERVER, "vsftpd") as folder:
        yield folder


@pytest.fixture
def box(pair):
    """The active box. Its gateways have read all of it, and nobody has named a third host."""
    before = pair.fw1.rows("alg")[0]
    yield pair.fw1
    after = pair.fw1.rows("alg")[0]
    odd = ("unread", "ended", "late", "cut", "unreadable", "unprintable", "refused", "no_port", "full")
    assert not [k for k in odd if after[k] != before[k]], (before, after)


def expected(box):
    return box.rows("alg")[0]["expected"]


# ---- FTP ----
@pytest.mark.parametrize("passive", ["on", "off"])
def test_ALG_02_ALG_05_ftp_with_several_commands_in_a_segment(lab, box, ftp_outside, passive):
    before = expected(box)
    apps.ftp_lftp(lab, "cli", ftp_outside, SERVER, f"ftp:passive-mode {passive}", "ftp:sync-mode off")
    assert expected(box) - before >= 2, "a data connection for each transfer"
    rows = box.sessions(source=CLIENT, protocol="tcp", destination_port=21)
    assert rows and all(r["nat_source"] in OFFICE for r in rows), rows


def reload(box, ftp):
    box.config["alg"]["ftp"] = ftp
    box.write_config()
    code, out = box.command("reload")
    assert code == 0, out


@pytest.mark.parametrize("options", [(), ("--ftp-port", "-")], ids=["passive", "active"])
def test_ALG_01_ftp_data_needs_the_gateway(lab, box, ftp_outside, options):
    """Nothing else lets data connections in: without it they are not made."""
    reload(box, False)
    try:
        out = apps.curl(lab, "cli", *options, "--connect-timeout", "1", "--max-time", "2",
                        f"ftp://{SERVER}/file")
        assert out.returncode != 0 and "230 Login successful" in out.stdout, out.stdout
    finally:
        reload(box, True)


@pytest.mark.parametrize("options", [(), ("--ftp-port", "-")], ids=["EPSV", "EPRT"])
def test_ALG_03_ftp_over_ipv6(lab, pair, box, options):
    lab.ipv6()
    for b in pair:
        wait_until(lambda b=b: {r["state"] for r in b.rows("ipv6_interface")} == {"valid"}, 5,
                   "the addresses are in use")
    before = expected(box)
    with apps.ftp_server(lab, "srv", SERVER6, "vsftpd6") as folder:
        apps.ftp_curl(lab, "cli", folder, SERVER6, *options)
    assert expected(box) - before >= 2, "a data connection for each transfer"
    assert box.sessions(source=CLIENT6 + "/128", protocol="tcp", destination_port=21)


# ---- TFTP ----
@pytest.mark.parametrize("options", [(), ("--tftp-no-options",)], ids=["options", "plain"])
def test_ALG_08_tftp_there_and_back(lab, box, hosts, options):
    before = expected(box)
    with apps.tftp_server(lab, "srv", SERVER) as folder:
        apps.tftp_curl(lab, "cli", folder, SERVER, *options)
    assert expected(box) - before == 2, "the server's port of each transfer"


# ---- NAT type ----
@pytest.mark.parametrize("local, mapping, filtering", [
    (CLIENT, "Endpoint Independent Mapping", "Address and Port Dependent Filtering"),
    (SYMMETRIC, "Address and Port Dependent Mapping", "Address and Port Dependent Filtering"),
    (CONE, "Endpoint Independent Mapping", "Endpoint Independent Filtering"),
], ids=["default", "symmetric", "full-cone"])
def test_NAT_03_kind_of_nat_that_a_probe_finds(lab, box, hosts, local, mapping, filtering):
    with apps.stun_server(lab, "srv", (SERVER, SECOND)):
        assert apps.nat_type(lab, "cli", "-m", local, SERVER) == mapping
        assert apps.nat_type(lab, "cli", "-f", local, SERVER) == filtering


# ---- SIP ----
@contextlib.contextmanager
def phones(*made):
    """Phones, each made by a call without arguments, the one that is called first. => them"""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(make())) for make in made]


def talk(lab, offer, answer, first):
    """RTP and RTCP both ways between the two ends; `first` speaks, the other waits until it hears."""
    ends = {"cli": (CLIENT, MEDIA_INSIDE, *answer), "srv": (SERVER, MEDIA_OUTSIDE, *offer)}
    tools = {}
    try:
        for host in sorted(ends, key=lambda h: h == first):  # who listens is there before
            tools[host] = Tool(lab, host, "rtp", *ends[host], int(host == first))
        heard = {host: tool.finish() for host, tool in tools.items()}
    finally:
        for tool in tools.values():
            tool.kill()
    for host, streams in heard.items():
        address, port = ends[host][2:]
        for i, stream in enumerate(streams):
            assert stream["done"] and stream["sources"] == [[address, port + i]], (heard, ends)


@pytest.mark.parametrize("transport, first, hangs_up", [
    ("udp", "cli", "cli"), ("udp", "srv", "srv"), ("tcp", "srv", "cli"), ("tcp", "cli", "srv")])
def test_ALG_08_a_phone_behind_pat_calls(lab, box, hosts, transport, first, hangs_up):
    called = sip.callee(MEDIA_OUTSIDE, hangs_up == "srv")
    calls = sip.caller("b", MEDIA_INSIDE, hangs_up == "cli")
    with phones(lambda: sip.Phone(lab, "srv", "outside", SERVER, called, transport),
                lambda: sip.Phone(lab, "cli", "inside", CLIENT, calls, transport,
                                  f"{SERVER}:{sip.PORT}")) as (outside, inside):
        invite = outside.wait_heard("INVITE")
        assert not [line for line in invite if CLIENT in line and line.startswith(("Via", "Contact", "c="))]
        offer, answer = sip.media(invite), sip.media(inside.wait_heard("SIP/2.0 200"))
        assert offer[0] in OFFICE and offer[1] % 2 == 0 and answer == (SERVER, MEDIA_OUTSIDE)
        outside.wait_heard("ACK")
        talk(lab, offer, answer, first)
        {"cli": inside, "srv": outside}[hangs_up].hang_up()
        inside.wait_end()
        outside.wait_end()


def test_ALG_08_what_a_call_has_announced_ends_with_it(lab, box, hosts):
    """Nobody has spoken: BYE takes away what would have been let in."""
    def media_expected():
        return [r for r in box.rows("server_map") if r["alg"] == "sip-media"]

    with phones(lambda: sip.Phone(lab, "srv", "outside", SERVER, sip.callee(MEDIA_OUTSIDE, False)),
                lambda: sip.Phone(lab, "cli", "inside", CLIENT, sip.caller("b", MEDIA_INSIDE, True), "udp",
                                  f"{SERVER}:{sip.PORT}")) as (outside, inside):
        outside.wait_heard("ACK")
        assert media_expected(), box.rows("server_map")
        inside.hang_up()
        inside.wait_end()
        outside.wait_end()
    assert not media_expected(), box.rows("server_map")


def test_ALG_08_a_phone_that_has_registered_is_called(lab, box, hosts):
    """By its registrar, at the contact that this has seen, without a rule."""
    with phones(lambda: sip.Phone(lab, "srv", "registrar", SERVER, sip.registrar()),
                lambda: sip.Phone(lab, "cli", "registers", CLIENT, sip.registers("a"), "udp",
                                  f"{SERVER}:{sip.PORT}")) as (registrar, phone):
        contact = sip.contact(registrar.wait_heard("REGISTER"))
        phone.wait_end()
        registrar.wait_end()
    assert contact[0] in OFFICE
    with phones(lambda: sip.Phone(lab, "cli", "inside", CLIENT, sip.callee(MEDIA_INSIDE, False)),
                lambda: sip.Phone(lab, "srv", "outside", SERVER, sip.caller("a", MEDIA_OUTSIDE, True), "udp",
                                  f"{contact[0]}:{contact[1]}")) as (inside, outside):
        offer = sip.media(inside.wait_heard("INVITE"))
        answer = sip.media(outside.wait_heard("SIP/2.0 200"))
        assert answer[0] in OFFICE and offer == (SERVER, MEDIA_OUTSIDE)
        inside.wait_heard("ACK")
        talk(lab, answer, offer, "cli")
        outside.hang_up()
        outside.wait_end()
        inside.wait_end()


# ---- takeover ----
def test_X16_an_ftp_download_outlives_the_active_box(lab, pair, hosts):
    """Its data connection has no rule, only a session made from what its control connection has said."""
    old, new = pair.whole()
    assert old.command("reset firewall session table")[0] == 0
    wait_until(lambda: not new.sessions(), 5, "nothing is left of other cases")
    content, got = apps.CONTENT * 10, lab.dir / "large"
    with apps.ftp_server(lab, "srv", SECOND, "vsftpd-slow", anon_max_rate=RATE) as folder:
        (folder / "large").write_bytes(content)
        ftp = lab.popen("cli", "curl", "-sS", "--max-time", "30", "-o", str(got), f"ftp://{SECOND}/large",
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: len(new.sessions(source=CLIENT, protocol="tcp")) == 2 and got.exists() and
                       got.stat().st_size, 10, lambda: f"the peer has both connections: {new.sessions()}")
            assert got.stat().st_size < len(content) / 2, "much is to come"
            old.kill()
            out, _ = ftp.communicate(timeout=30)
            assert ftp.returncode == 0, out
            assert apps.digest(got.read_bytes()) == apps.digest(content)
        finally:
            ftp.kill()
            ftp.wait()
        rows = new.sessions(source=CLIENT, protocol="tcp")
        assert len(rows) == 2 and all(r["nat_source"] in OFFICE for r in rows), rows
        assert new.role() == "active"

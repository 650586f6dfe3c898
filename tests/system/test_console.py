# SPDX-License-Identifier: BSD-3-Clause
"""Console and JSON of running boxes: exit codes, prompts, and clients that mean harm (MGT-01, 02)."""
import json
import resource
import socket
import time

import pytest
from conftest import HELLO_MS

from twlab.measure import Traffic
from twlab.wait import wait_until

DISPLAYS = [
    "version", "interface", "arp", "ip routing-table", "zone", "security-policy",
    "firewall session table", "firewall session table verbose", "firewall statistics",
    "hrp state", "hrp interface", "vrrp", "log", "firewall statistics core", "hrp statistics", "hrp sync",
    "vrrp refused", "hrp state verbose", "firewall statistics verbose",
]
FILTERS = [
    "address 10.1.1.10", "port 7001", "zone trust",
    "source 10.1.1.10", "destination 200.1.1.0/24", "destination-port 7001", "protocol tcp",
    "source-zone trust destination-zone untrust", "local", "remote", "verbose protocol udp",
]


@pytest.mark.parametrize("what", DISPLAYS)
def test_display_answers_on_both(pair, what):
    for box in pair:
        assert box.show(f"display {what}").strip()


def test_R197_the_active_box_mirrors_everything_once_more(pair):
    before = pair.fw1.rows("hrp-sync")
    assert [r["table"] for r in before] == ["session", "server-map", "blacklist"]
    assert pair.fw1.command("hrp sync connection-status")[0] == 0
    wait_until(lambda: all(r["bulks_out"] > b["bulks_out"] and r["out"] == "equal"
                           for r, b in zip(pair.fw1.rows("hrp-sync"), before)), 10, "another bulk is proved")
    wait_until(lambda: all(r["in"] == "equal" for r in pair.fw2.rows("hrp-sync")), 10, "the peer says so, too")
    assert pair.fw2.command("hrp sync connection-status")[0] == 1


@pytest.mark.parametrize("words", FILTERS)
def test_session_filters(pair, words):
    assert "Current Total Sessions" in pair.fw1.show(f"display firewall session table {words}")


def test_help_lists_the_commands(pair):
    out = pair.fw1.show("help")
    for what in ("display version", "display hrp state", "reset firewall session table", "quit"):
        assert what in out


@pytest.mark.parametrize("command", ["display nonsense", "dispaly version",
                                     "display firewall session table source nowhere"])
def test_wrong_command_exits_1(pair, command):
    code, out = pair.fw1.command(command)
    assert code == 1 and out.strip()


def test_no_daemon_exits_2(pair):
    box = pair.fw1
    saved = box.config["system"]["console_socket"]
    box.config["system"]["console_socket"] = saved + ".none"
    try:
        assert box.command("display version")[0] == 2
    finally:
        box.config["system"]["console_socket"] = saved


def test_the_json_socket_exits_2_at_once(pair):
    box = pair.fw1
    system = box.config["system"]
    saved = system["console_socket"]
    system["console_socket"] = system["json_socket"]
    start = time.monotonic()
    try:
        code, out = box.command("display version")
    finally:
        system["console_socket"] = saved
    assert code == 2 and "JSON socket" in out, out
    assert time.monotonic() - start < 5


def read_until(sock, text, timeout=5):
    data = b""
    sock.settimeout(timeout)
    while text not in data:
        piece = sock.recv(4096)
        if not piece:
            break
        data += piece
    return data


@pytest.mark.parametrize("host,prompt", [("fw1", b"HRP_A[FW1]"), ("fw2", b"HRP_S[FW2]")])
def test_R189_prompt(pair, host, prompt):
    with pair.boxes[host].console() as sock:
        sock.sendall(b"\n")
        assert prompt in read_until(sock, prompt)


def test_R189_prompt_follows_the_role(pair):
    old, new = pair.whole()
    old.kill()
    new.wait_role("active", 5)
    with new.console() as sock:
        sock.sendall(b"\n")
        assert b"HRP_A[FW2]" in read_until(sock, b"HRP_A[FW2]")


def test_json_and_console_show_the_same(pair):
    rows = pair.fw1.rows("interface")
    text = pair.fw1.show("display interface")
    assert {r["interface"] for r in rows} == {i["name"] for i in pair.fw1.config["interfaces"]}
    for row in rows:
        assert row["interface"] in text and row["zone"] in text


def test_interface_names_the_port_and_counts_heartbeats(pair):
    for box in pair:
        ports = {i["name"]: i["port"] for i in box.config["interfaces"]}
        rows = box.rows("interface")
        assert {r["interface"]: r["configured_port"] for r in rows} == ports
        beat = next(r for r in rows if r["heartbeat"])
        assert min(beat["rx_packets"], beat["tx_packets"], beat["rx_bytes"], beat["tx_bytes"]) > 0
        same = next(r for r in box.rows("hrp-interface") if r["interface"] == beat["interface"])
        assert same["packets_out"] >= beat["tx_packets"]


def test_statistics_of_core_and_mirror_count(pair):
    old, new = pair.whole()

    def of(box, view):
        return {(r["group"], r["counter"]): r["value"] for r in box.rows(view)}
    assert of(old, "core-statistics")[("arp", "garp_out")] > 0
    assert of(old, "hrp-statistics")[("box", "bulks_out")] > 0
    assert of(new, "hrp-statistics")[("box", "bulks_in")] > 0
    assert of(new, "hrp-statistics")[("stream", "frames_in")] > 0


def test_json_errors_name_the_reason(pair):
    for request, code in (({"get": "nothing"}, "unknown_object"), ({"get": 5}, "request"),
                          ({"get": "arp", "schema": 99}, "schema")):
        answer = pair.fw1.request(request)
        assert answer["ok"] is False and answer["error"]["code"] == code, answer


# ---- MGT-01 ----

def rss(box):
    for line in open(f"/proc/{box.pid}/status", encoding="ascii"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def feed(sock, data):
    """Send what the other end takes; it may close. => bytes sent."""
    sock.settimeout(3)
    sent = 0
    try:
        while sent < len(data):
            sent += sock.send(data[sent:sent + 65536])
    except OSError:
        pass
    return sent


NASTY = [
    ("10 MB without newline", b"A" * 10_000_000),
    ("NUL bytes", b"\0" * 1000 + b"\n"),
    ("escape sequences", b"\x1b[2J\x1b]0;title\x07\x1b[31mdisplay\x1b[0m\n"),
    ("bad UTF-8", b"\xff\xfe\xc0\x80\xed\xa0\x80display version\n"),
    ("deep brackets", b"[" * 60000 + b"\n"),
    ("one-shot mark and rubbish", b"\x01" + bytes(range(256)) * 16 + b"\n"),
]


@pytest.mark.parametrize("data", [n[1] for n in NASTY], ids=[n[0] for n in NASTY])
@pytest.mark.parametrize("door", ["console", "json_socket"])
def test_MGT_01_rubbish_is_bounded_and_leaves_the_log_clean(pair, door, data):
    box = pair.fw1
    before, lines = rss(box), len(box.log().splitlines())
    with getattr(box, door)() as sock:
        feed(sock, data)
        assert rss(box) - before < 4 << 20, "memory grew"
    assert box.command("display version")[0] == 0, "others are served"
    for line in box.log().splitlines()[lines:]:
        assert line.isprintable() and len(line) < 1100, line
    assert pair.roles() == {"FW1": "active", "FW2": "standby"}


# ---- MGT-02 ----

CONNECTIONS = 1000


@pytest.fixture
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def try_connect(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.setblocking(False)
    try:
        sock.connect(path)
    except OSError:
        pass
    return sock


def ask(lines, sock):
    start = time.monotonic()
    sock.sendall(b'{"schema":1,"get":"version"}\n')
    assert json.loads(lines.readline())["ok"]
    return time.monotonic() - start


@pytest.mark.parametrize("setting", ["console_socket", "json_socket"])
def test_MGT_02_a_thousand_slow_clients(pair, servers, many_files, setting):
    """Limits hold, an honest client is served, and not a packet is lost meanwhile."""
    box = pair.fw1
    with box.json_socket() as honest, honest.makefile("rb") as lines, \
            Traffic(pair.lab, connections=10) as traffic:
        before = rss(box)
        crowd = [try_connect(box.config["system"][setting]) for _ in range(CONNECTIONS)]
        worst = 0.0
        try:
            for turn in range(20):
                for sock in crowd:  # one byte each, never a whole line
                    try:
                        sock.send(b"d")
                    except OSError:
                        pass
                worst = max(worst, ask(lines, honest))
        finally:
            for sock in crowd:
                sock.close()
        report = traffic.finish()
        assert worst < 1, f"an honest client waited {worst:.2f} s"
        assert rss(box) - before < 16 << 20, "memory grew"
    assert report["probe"]["lost"] == 0 and report["flows"]["kept"] == 10, report["probe"]
    wait_until(lambda: box.command("display version")[0] == 0, 5, "new clients are served again")
    assert pair.roles() == {"FW1": "active", "FW2": "standby"}


def test_MGT_02_a_reader_that_never_reads(pair, servers):
    box = pair.fw1
    with Traffic(pair.lab, connections=10) as traffic, box.json_socket() as deaf, \
            box.json_socket() as honest, honest.makefile("rb") as lines:
        before = rss(box)
        feed(deaf, b'{"schema":1,"get":"sessions"}\n' * 20000)
        worst = max(ask(lines, honest) for _ in range(50))
        report = traffic.finish()
        assert worst < 1 and rss(box) - before < 16 << 20
    assert report["probe"]["lost"] == 0 and report["flows"]["kept"] == 10, report["probe"]
    assert report["probe"]["gap_ms"] < HELLO_MS, report["probe"]

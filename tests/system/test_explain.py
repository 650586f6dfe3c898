# SPDX-License-Identifier: BSD-3-Clause
"""Explaining packets of running boxes: drops by interface and zone, traces, captures."""
import subprocess

import pytest

from twlab import flows
from twlab.tool import Tool
from twlab.topology import CLIENT, INTERFACE, SERVER
from twlab.wait import wait_until


@pytest.fixture(scope="module")
def module_config(lab):
    def change(config):
        config["system"]["capture_folder"] = str(lab.dir)
    return change


def knock(lab, port):
    """A connection from outside, which no rule permits."""
    lab.run("srv", "nc", "-n", "-z", "-w", "1", CLIENT, str(port), check=False)


def test_drops_by_interface_and_zone_add_up(pair):
    box = pair.fw1
    before = sum(r["packets"] for r in box.rows("drops", zone="untrust") if r["reason"] == "policy")
    knock(pair.lab, 81)
    rows = {(r["interface"], r["reason"]): r["packets"] for r in box.rows("drops")}
    assert rows[(INTERFACE["out"], "policy")] > before
    zone = {r["reason"]: r["packets"] for r in box.rows("drops", zone="untrust")}
    assert zone["policy"] == rows[(INTERFACE["out"], "policy")]

    def same():
        total = box.rows("statistics")[0]["dropped"]
        return sum(r["packets"] for r in box.rows("drops")) == total \
            == sum(r["packets"] for r in box.rows("drops", per_zone=True))
    wait_until(same, 5, "all sums are the same")
    assert "denied by a security policy" in box.show("display firewall statistics drop zone untrust")


def test_trace_follows_a_ping_there_and_back(pair):
    box = pair.fw1
    assert box.command(f"trace start protocol icmp address {SERVER} count 4")[0] == 0
    pair.lab.run("cli", "ping", "-n", "-c", "2", "-i", "0.2", SERVER)
    wait_until(lambda: not box.rows("trace-state")[0]["on"], 5, "four packets are in the trace")
    first, answer = box.rows("trace")[:2]
    assert first["source"] == CLIENT and first["icmp_type"] == 8
    assert first["policy"] == "out" and first["action"] == "permit"
    assert (first["interface"], first["out_interface"]) == (INTERFACE["in"], INTERFACE["out"])
    assert first["next_hop"] == SERVER and first["verdict"] == "forwarded"
    assert answer["icmp_type"] == 0 and answer["direction"] == "responder"
    assert answer["session"] == first["session"]
    assert "forwarded by" in box.show("display trace")
    assert box.command("trace stop")[0] == 1


def test_trace_says_why_a_connection_is_refused(pair):
    box = pair.fw1
    assert box.command("trace start dropped destination-port 82 count 1")[0] == 0
    knock(pair.lab, 82)
    wait_until(lambda: box.rows("trace"), 5, "a packet is in the trace")
    row = box.rows("trace")[0]
    assert row["reason"] == "policy" and row["policy"] == "default" and row["action"] == "deny"
    assert row["zone"] == "untrust" and row["out_zone"] == "trust" and row["tcp_flags"] == "S"
    box.command("trace stop")


def capture(box, name, words=""):
    out = box.show(f"capture start {name} {words}")
    assert name in out


def captured(box):
    """End the capture. => its row, and what tshark reads: a list of dicts."""
    box.command("capture stop")
    wait_until(lambda: box.rows("capture")[0]["state"] == "ended", 10, "the file is closed")
    row = box.rows("capture")[0]
    fields = ["frame.interface_name", "frame.packet_flags_direction", "frame.comment", "ip.src",
              "ip.dst", "tcp.dstport", "frame.time_epoch"]
    done = subprocess.run(["tshark", "-n", "-r", row["file"], "-o", "ip.check_checksum:TRUE",
                           "-T", "fields", *(a for f in fields for a in ("-e", f))],
                          text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    info = subprocess.run(["capinfos", "-M", row["file"]], text=True, capture_output=True, check=False)
    assert info.returncode == 0, info.stderr
    assert "pcapng" in info.stdout and "twinwall" in info.stdout, info.stdout
    packets = [dict(zip(fields, line.split("\t"))) for line in done.stdout.splitlines()]
    assert len(packets) == row["packets"]
    return row, packets


def test_capture_is_read_by_tshark(pair):
    box = pair.fw1
    capture(box, "ping", f"protocol icmp address {SERVER}")
    pair.lab.run("cli", "ping", "-n", "-c", "2", "-i", "0.2", SERVER)
    row, packets = captured(box)
    assert row["missed"] == 0 and row["ended_by"] == "stopped"
    assert len(packets) == 8
    ways = [(p["frame.interface_name"], p["frame.packet_flags_direction"]) for p in packets[:4]]
    assert [way[0] for way in ways] == [INTERFACE["in"], INTERFACE["out"],
                                       INTERFACE["out"], INTERFACE["in"]]
    assert len({way[1] for way in ways}) == 2 and ways[0][1] == ways[2][1] != ways[1][1]
    times = [float(p["frame.time_epoch"]) for p in packets]
    assert times == sorted(times) and abs(times[-1] - _now()) < 60


def _now():
    return float(subprocess.run(["date", "+%s.%N"], text=True, capture_output=True, check=True).stdout)


def test_capture_of_dropped_packets_says_why(pair):
    box = pair.fw1
    capture(box, "why.pcapng", "dropped protocol tcp destination-port 83")
    knock(pair.lab, 83)
    knock(pair.lab, 84)
    packets = captured(box)[1]
    assert packets and all(p["tcp.dstport"] == "83" for p in packets)
    assert all(p["frame.comment"].startswith("dropped: policy: ") for p in packets)
    assert all(p["frame.interface_name"] == INTERFACE["out"] for p in packets)
    code, out = box.command("capture start why")
    assert code == 1 and "overwrite" in out
    code, out = box.command("capture start ../why")
    assert code == 1 and "without a folder" in out


def test_capture_of_a_busy_box_ends_by_its_size_and_loses_no_packet(pair, servers):
    box = pair.fw1
    before = box.drops()
    capture(box, "busy", "size 1")
    tool = Tool(pair.lab, "cli", "flows", "client", SERVER, flows.PORT, 50, 0.002)
    try:
        wait_until(lambda: box.rows("capture")[0]["state"] == "ended", 30, "the file is full")
        row, packets = captured(box)
        assert row["ended_by"] == "count or size reached"
        assert (1 << 20) - 65536 < row["written_bytes"] <= 1 << 20
        assert len(packets) > 100
        assert {INTERFACE["in"], INTERFACE["out"]} <= {p["frame.interface_name"] for p in packets}
    finally:
        tool.kill()
    after = box.drops()
    for reason in ("tx_full", "no_mbuf", "punt_full"):
        assert after[reason] == before[reason], (reason, before, after)

# SPDX-License-Identifier: BSD-3-Clause
"""The traffic log as a collector sees it: tshark reads what leaves the box."""
import subprocess

import pytest
from capture import Capture

from twlab import flows
from twlab.tool import Tool
from twlab.topology import CLIENT, SERVER, VIPS
from twlab.wait import wait_until


ALONE = "200.1.1.77"
CLIENT_TOO = "10.1.1.77"


@pytest.fixture(scope="module")
def module_config():
    def change(config):
        config["log"] = {"sessions": "all", "denied": "all",
                         "syslog": {"server": "127.0.0.1"},
                         "ipfix": {"collector": "127.0.0.1", "domain": 7}}
        # TCP leaves from the interface's address, a host that pings needs one to itself: the
        # second has none.
        config["nat_address_groups"] = [{"name": "one", "mode": "no-pat", "addresses": [ALONE],
                                         "vrid": VIPS["out"].vrid}]
        config["nat_policy"] = {"rules": [
            {"name": "tcp", "source_zones": ["trust"], "destination_zones": ["untrust"],
             "services": [{"protocol": "tcp"}], "action": "source-nat", "easy_ip": True},
            {"name": "ping", "source_zones": ["trust"], "destination_zones": ["untrust"],
             "services": [{"protocol": "icmp"}], "action": "source-nat", "address_group": "one"}]}
    return change


@pytest.fixture
def collectors(lab):
    """Somebody listens, or the kernel refuses."""
    lab.run("fw1", "ip", "link", "set", "lo", "up")
    listeners = [lab.popen("fw1", "nc", "-lku", "127.0.0.1", port, stdout=subprocess.DEVNULL)
                 for port in (514, 4739)]
    yield
    for process in listeners:
        process.kill()
        process.wait()


def counters(box, output):
    return next(r for r in box.rows("log") if r["output"] == output)


def test_syslog_and_ipfix_of_real_traffic(pair, servers, collectors):
    lab, box = pair.lab, pair.fw1
    with Capture(lab, "fw1", "lo", "udp port 514 or udp port 4739") as capture:
        # The collector must know the templates: a reload sends them again.
        assert box.command("reload")[0] == 0
        wait_until(lambda: not any(r["error"] for r in box.rows("log")), 5, "the sockets are open")
        tool = Tool(lab, "cli", "flows", "client", SERVER, flows.PORT, 3, 0.01)
        wait_until(lambda: len(box.sessions(protocol="tcp", destination_port=flows.PORT)) >= 3, 5,
                   "the connections are in the table")
        tool.kill()
        lab.run("srv", "ping", "-n", "-c", "1", "-W", "1", CLIENT, check=False)
        before = counters(box, "syslog")["sent"]
        assert box.command("reset firewall session table")[0] == 0
        wait_until(lambda: counters(box, "syslog")["sent"] >= before + 3, 10, "the end is logged")
        wait_until(lambda: len(capture.tshark("cflow && cflow.flowset_id == 2", "cflow.version")),
                   10, "templates are captured")
    lines = [row[0] for row in capture.tshark("syslog", "syslog.msg")]
    for word in ("SESSION-CREATE", "SESSION-DELETE", "POLICY-DENY"):
        assert any(word in line for line in lines), (word, lines[:5])
    assert not capture.tshark("(syslog || cflow) && (_ws.malformed || _ws.expert.severity >= warning)",
                              "frame.number")
    events = capture.tshark("cflow.firewall_event", "cflow.firewall_event", "cflow.srcaddr",
                            "cflow.dstport")
    seen = {event for row in events for event in row[0].split(",")}
    assert {"1", "2", "3"} <= seen, events[:5]
    assert any(CLIENT in row[1].split(",") and str(flows.PORT) in row[2].split(",")
               for row in events)
    assert counters(box, "syslog")["lost"] == 0 and counters(box, "ipfix")["failed"] == 0


def test_what_sessions_are_outside_and_that_a_group_is_exhausted(pair, servers, collectors):
    """RFC 8158: events of translated sessions, and of a group that has nothing left."""
    lab, box = pair.lab, pair.fw1
    outside = VIPS["out"].address
    lab.run("cli", "ip", "addr", "add", CLIENT_TOO + "/32", "dev", "eth0")
    with Capture(lab, "fw1", "lo", "udp port 514 or udp port 4739") as capture:
        assert box.command("reload")[0] == 0
        wait_until(lambda: not any(r["error"] for r in box.rows("log")), 5, "the sockets are open")
        tool = Tool(lab, "cli", "flows", "client", SERVER, flows.PORT, 3, 0.01)
        wait_until(lambda: len(box.sessions(protocol="tcp", destination_port=flows.PORT)) >= 3, 5,
                   "the connections are in the table")
        ports = {str(r["nat_source_port"])
                 for r in box.sessions(protocol="tcp", destination_port=flows.PORT)}
        tool.kill()
        for source, answered in ((CLIENT, True), (CLIENT_TOO, False)):
            done = lab.run("cli", "ping", "-n", "-c", "1", "-W", "1", "-I", source, SERVER,
                           check=False)
            assert (done.returncode == 0) == answered, done
        assert box.command("reset firewall session table")[0] == 0
        wait_until(lambda: capture.tshark("syslog.msg contains \"NAT-EXHAUSTED\"", "syslog.msg"), 10,
                   "the group is told of")
        wait_until(lambda: capture.tshark("cflow.nat_event == 5", "frame.number"), 10,
                   "the ends are logged")
    lines = [row[0] for row in capture.tshark("syslog", "syslog.msg")]
    assert any("SESSION-CREATE" in line and f"src={CLIENT} " in line and
               f"nat-src={outside} " in line and f"nat-dst={SERVER} " in line for line in lines)
    assert any('group="one" missing=addresses refused=1' in line for line in lines)
    assert not capture.tshark("(syslog || cflow) && (_ws.malformed || _ws.expert.severity >= warning)",
                              "frame.number")
    events = capture.tshark("cflow.nat_event", "cflow.nat_event",
                            "cflow.post_natsource_ipv4_address",
                            "cflow.post_naptsource_transport_port",
                            "cflow.post_natdestination_ipv4_address",
                            "cflow.post_naptdestination_transport_port", "cflow.srcaddr",
                            "cflow.nat_pool_name")
    seen = [{word for row in events for word in row[i].split(",")} for i in range(7)]
    assert {"3", "4", "5"} <= seen[0], events
    assert {outside, ALONE} <= seen[1]
    assert ports <= seen[2]
    assert SERVER in seen[3] and str(flows.PORT) in seen[4] and CLIENT in seen[5]
    assert "one" in seen[6]

# SPDX-License-Identifier: BSD-3-Clause
"""The traffic log as a collector sees it: tshark reads what leaves the box."""
import subprocess

import pytest
from capture import Capture

from twlab import flows
from twlab.tool import Tool
from twlab.topology import CLIENT, SERVER
from twlab.wait import wait_until


@pytest.fixture(scope="module")
def module_config():
    def change(config):
        config["log"] = {"sessions": "all", "denied": "all",
                         "syslog": {"server": "127.0.0.1"},
                         "ipfix": {"collector": "127.0.0.1", "domain": 7}}
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

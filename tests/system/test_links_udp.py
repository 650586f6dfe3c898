# SPDX-License-Identifier: BSD-3-Clause
"""Heartbeat in UDP: across a router, with the mirror, and over the service network as a second opinion
(R154, R156, R158, R176, R177)."""
import dataclasses

import pytest

from twlab.config import route_heartbeat, second_opinion
from twlab.faults import TABLE
from twlab.topology import HEARTBEAT_NETWORK, INTERFACE
from twlab.wait import wait_until


@pytest.fixture(scope="module")
def module_config(lab):
    lab.route_heartbeat()

    def change(config):
        route_heartbeat(config)
        second_opinion(config)
    return change


@pytest.fixture
def links(pair):
    def states():
        return [[row["state"] for row in box.rows("hrp-interface")] for box in pair]
    wait_until(lambda: states() == [["running", "ready"]] * 2, 10,
               lambda: f"both ways are good: {states()}")
    return states


def fault(key, pair):
    """A fault of the table, with the configuration of this file."""
    r = dataclasses.replace(TABLE[key], config=None).round(pair, active="fw1")
    assert not r.wrong, f"{r.wrong} {r.row}"
    return r


def test_R154_R158_the_mirror_crosses_a_router(pair, servers, links):
    for box in pair:
        first = box.rows("hrp-interface")[0]
        assert first["interface"] == INTERFACE["hb"] and first["mode"] == "udp", first
        assert first["remote"] in [n + ".1" for n in HEARTBEAT_NETWORK.values()], first
    fault("X16", pair)


def test_R176_R177_X10_the_service_network_is_a_second_opinion(pair, servers, links):
    """R217: each watches the other by the heartbeat cable and by a second network."""
    fault("X10-second", pair)
    for box in pair:
        assert "heartbeat: only heartbeat_only links are left" in box.log(), box.log_tail()


def test_R156_the_policy_decides(pair, links):
    """Without the rule there is no heartbeat, and the console says why."""
    box = pair.fw2
    rules = box.config["security_policy"]["rules"]
    saved = list(rules)
    rules[:] = [r for r in rules if not r["name"].startswith("hb-")]
    box.config["hrp"]["auto_sync_config"] = False  # else the rules are the peer's
    try:
        box.write_config()
        box.show("reload")
        wait_until(lambda: box.show("display hrp interface").count("the security policy does not "
                                                                   "permit it") == 2, 5,
                   lambda: "both links are denied: " + box.show("display hrp interface"))
        assert all(row["denied_out"] > 0 for row in box.rows("hrp-interface"))
    finally:
        rules[:] = saved
        del box.config["hrp"]["auto_sync_config"]
        box.write_config()
        box.show("reload")
    pair.wait_formed()

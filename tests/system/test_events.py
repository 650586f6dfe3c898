# SPDX-License-Identifier: BSD-3-Clause
"""The event stream of the JSON socket: what programs are told while roles change."""
import json
import subprocess

import pytest

from twlab.box import program
from twlab.topology import INTERFACE


class Follower:
    """A client that follows the events of a box."""

    def __init__(self, box, **request):
        self.sock = box.json_socket(10)
        self.lines = self.sock.makefile("rb")
        self.sock.sendall(json.dumps({"schema": 1, "subscribe": "events", **request}).encode()
                          + b"\n")
        answer = json.loads(self.lines.readline())
        assert answer["ok"], answer
        self.subscribed = answer["subscribed"]
        self.seen = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.sock.close()

    def next(self):
        line = self.lines.readline()
        assert line, f"the daemon has closed; so far {self.seen}"
        event = json.loads(line)["event"]
        if self.seen:
            assert event["number"] == self.seen[-1]["number"] + 1, "no gap"
        self.seen.append(event)
        return event

    def until(self, **members):
        """The next event that has all of these members."""
        while True:
            event = self.next()
            if all(event.get(k) == v for k, v in members.items()):
                return event

    def until_all(self, *wanted):
        """Events that have all members of one each, in any order."""
        left = list(wanted)
        while left:
            event = self.next()
            left = [w for w in left if not w.items() <= event.items()]


def test_R246_a_planned_switch_is_told_on_both_boxes(pair):
    old, new = pair.whole()
    with Follower(old) as left, Follower(new) as right:
        first = left.subscribed["next"]
        assert old.command("hrp switch-over")[0] == 0
        left.until(kind="switch_over", to="begun")
        role = left.until(kind="role", to="standby")
        assert role["cause"] == "switch-over by order" and role["from"] == "active"
        last = old.rows("hrp-history")[0]
        assert {k: last[k] for k in ("group", "from", "to", "epoch", "cause")} == \
            {k: role[k] for k in ("group", "from", "to", "epoch", "cause")}
        assert role["change"] == last["number"]
        taken = right.until(kind="role", to="active")
        assert taken["group"] != role["group"] and taken["epoch"] >= role["epoch"]
        masters = {e["vrid"] for e in right.seen if e["kind"] == "vrrp" and e["to"] == "Master"}
        assert masters == set(new.vrrp())
        follow = subprocess.Popen([program("twinctl"), "-s", old.config["system"]["console_socket"],
                                   "-e", "-n", str(first)], stdout=subprocess.PIPE, text=True)
        try:
            told = [json.loads(follow.stdout.readline())["event"] for _ in left.seen]
        finally:
            follow.terminate()
            follow.wait(5)
            follow.stdout.close()
        assert told == left.seen, "who comes later sees the same"


def test_R246_faults_and_an_end_are_told(pair):
    old, new = pair.whole()
    with Follower(old) as left, Follower(new) as right:
        old.lab.plug(old.host, "in", False)
        failed = left.until(kind="member", to="down")
        assert INTERFACE["in"] in failed["member"] and failed["cause"] == "1 of 2 members failed"
        left.until(kind="role", to="standby")
        right.until(kind="role", to="active")
        old.lab.plug(old.host, "in", True)
        left.until(kind="member", to="up")
        code, _ = old.terminate()
        assert code == 0
        left.until(kind="role", to="initialize", cause="resign")
        with pytest.raises(AssertionError, match="the daemon has closed"):
            while True:
                left.next()
        right.until_all({"kind": "peer", "to": "silent"},
                        {"kind": "link", "interface": INTERFACE["hb"], "to": "peerdown"})

# SPDX-License-Identifier: BSD-3-Clause
"""The event stream of the JSON socket: what programs are told while roles change."""
import json
import re
import shutil
import subprocess

import pytest

from twlab.box import program
from twlab.topology import INTERFACE
from twlab.wait import wait_until


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


# ---- programs that are told (R223, R235) ----

@pytest.fixture(scope="module")
def told_folder(lab):
    """Into which the program of module_config writes, which runs as nobody."""
    folder = lab.dir / "told"
    folder.mkdir(mode=0o755)
    shutil.chown(folder, "nobody")
    return folder


@pytest.fixture(scope="module")
def module_config(lab, told_folder):
    told = lab.dir / "told.sh"
    told.write_text("#!/bin/sh\n"
                    f'echo "$1 $2 $3 $4|$5|$(id -un)" >>{told_folder}/"$TWINWALL_BOX"\n')
    told.chmod(0o755)

    def change(config):
        for section in [config["hrp"], *config["vrrp"]]:
            section["notify"] = str(told)
    return change


def test_R235_programs_are_told_as_their_user(pair, told_folder):
    old, new = pair.whole()

    def last(box, what):
        """The last lines about a group, by state, cause and user."""
        path = told_folder / box.name
        lines = path.read_text().splitlines() if path.exists() else []
        return next((line for line in reversed(lines) if line.startswith(what)), "")

    group = {old: old.rows("hrp-history")[0]["group"], new: new.rows("hrp-history")[0]["group"]}
    assert old.command("hrp switch-over")[0] == 0
    wait_until(lambda: f"GROUP {group[new]} MASTER 6" in last(new, f"GROUP {group[new]} "), 5,
               "the new active box's program is told")
    wait_until(lambda: re.fullmatch(
        f"GROUP {group[old]} BACKUP 6500.[|]switch-over by order[|]nobody",
        last(old, f"GROUP {group[old]} ")), 5,
        lambda: f"the old one's program is told: {last(old, 'GROUP')}")
    for vrid in new.vrrp():
        name = next(r["interface"] for r in new.rows("vrrp") if r["vrid"] == vrid)
        wait_until(lambda n=name, v=vrid: "|nobody" in last(new, f"INSTANCE {n} vrid {v} MASTER"),
                   5, f"vrid {vrid} is told")
    wait_until(lambda: not any(r["running"] for r in old.rows("hrp-notify")), 5, "all have ended")
    for row in old.rows("hrp-notify"):
        assert row["runs"] == 0 or row["result"] == "exit status 0", row
        assert row["failed"] == row["refused"] == 0, row
    assert old.terminate()[0] == 0
    assert last(old, f"GROUP {group[old]} ") == f"GROUP {group[old]} STOP 0|resign|nobody"

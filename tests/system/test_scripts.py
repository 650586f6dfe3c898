# SPDX-License-Identifier: BSD-3-Clause
"""Tracked scripts: R224.  A real script on each box says whether its uplink works; the role goes where it does."""
import pytest

from twlab.wait import wait_until

SCRIPT = """#!/bin/sh
# Is the uplink of this box, named by a file, there?
[ "$(id -u)" != 0 ] && [ -e "$1" ]
"""


@pytest.fixture(scope="module")
def module_config(lab):
    """A script that is a member of each box's VGMP group, and a way that is another."""
    path = lab.dir / "uplink"
    path.write_text(SCRIPT)
    path.chmod(0o755)

    def change(config):
        flag = lab.dir / f"{config['system']['name']}.uplink"
        flag.touch()
        group = config["vrrp"][0]["group"]
        config["scripts"] = [{"name": "uplink", "path": str(path), "arguments": [str(flag)],
                              "user": "nobody", "interval_ms": 100, "rise": 2, "fall": 2}]
        config["hrp"]["track"] = [{"script": "uplink", "group": group}]
    return change


def uplink(pair, box, there):
    flag = pair.lab.dir / f"{box.name}.uplink"
    if there:
        flag.touch()
    else:
        flag.unlink()
    wait_member(box, "up" if there else "down")


def wait_member(box, state):
    wait_until(lambda: member(box) == [state] and script(box)["state"] == state, 20,
               lambda: f"{box.name}: {state}: {script(box)} {member(box)}")


def script(box):
    return box.rows("script")[0]


def member(box):
    return [m["state"] for m in box.rows("hrp-state")[0]["members"]
            if m["member"] == "script uplink"]


def test_R224_the_role_goes_where_the_script_succeeds(pair):
    old, new = pair.fw1, pair.fw2
    for box in pair:
        wait_member(box, "up")
    uplink(pair, old, False)
    new.wait_role("active", 10)
    assert "script fault, 1 of 3 members failed" in old.show("display hrp history")
    assert "uplink" in old.show("display script")
    assert script(old)["last"] == "exit status 1" and script(old)["refused"] == 0
    uplink(pair, old, True)
    assert new.role() == "active"  # without preemption it stays
    uplink(pair, new, False)
    old.wait_role("active", 10)
    uplink(pair, new, True)
    for line in ("script uplink: down (exit status 1)", "script uplink: up (exit status 0)",
                 "(script uplink): entering FAULT state (script down)"):
        assert line in old.log(), line


def test_R223_a_script_that_others_can_change_is_not_run(pair):
    """While it runs: down, with the reason; at a start: the configuration is refused."""
    path = pair.lab.dir / "uplink"
    path.chmod(0o777)
    try:
        wait_until(lambda: script(pair.fw1)["last"].endswith("uplink is writable by others"), 20,
                   lambda: f"it is refused: {script(pair.fw1)}")
        wait_member(pair.fw1, "down")
        assert script(pair.fw1)["refused"] > 0
    finally:
        path.chmod(0o755)
    for box in pair:
        wait_member(box, "up")
    pair.fw2.end()
    path.chmod(0o777)
    code, err = pair.fw2.fails_to_start()
    path.chmod(0o755)
    assert code == 1 and "scripts[uplink].path" in err and "writable by others" in err, err
    pair.fw2.start()

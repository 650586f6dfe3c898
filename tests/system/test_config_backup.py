# SPDX-License-Identifier: BSD-3-Clause
"""What is configured on the active box is configured on the other one (R178-R194, R197)."""
from test_events import Follower
from twlab.wait import wait_until

OPENED = {"name": "opened", "source_zones": ["untrust"], "destination_zones": ["trust"],
          "services": [{"protocol": "icmp"}], "action": "permit"}


def rules(box):
    return [row["rule"] for row in box.rows("security_policy")]


def ping(lab):
    """From outside to inside, which nothing but the new rule permits."""
    return lab.run("srv", "ping", "-n", "-c", "1", "-W", "1", "10.1.1.10", check=False).returncode == 0


def test_R178_R185_R191_R194_an_edit_survives_the_box_it_was_made_on(lab, pair):
    old, new = pair.whole()
    pair.wait_config_equal()
    before = new.config_path.read_text()
    assert not ping(lab), "denied before"
    old.config["security_policy"]["rules"].append(OPENED)
    old.write_config()
    assert old.command("reload")[0] == 0
    wait_until(lambda: "opened" in rules(new), 5, "the rule is at the other box (R194)")
    pair.wait_config_equal()
    assert "opened" in new.config_path.read_text(), "and in its file"
    assert new.config_path.with_name(new.config_path.name + ".old").read_text() == before
    row = new.rows("hrp-sync-config")[0]
    assert (row["role"], row["last"], row["result"]) == ("standby", "received", "applied"), row

    # R185, R191: not the other way round; what is its own it may change.
    new.write_config()  # the old rules
    code, out = new.command("reload")
    assert code == 1 and "config standby" in out and "security_policy" in out, out
    assert "opened" in rules(new)

    # R178, R192: the successor permits what its predecessor permitted, and is master now.
    old.kill()
    wait_until(lambda: new.rows("hrp-sync-config")[0]["role"] == "master", 10, "config master")
    wait_until(lambda: ping(lab), 10, "still permitted")
    code, out = new.command("reload")
    assert code == 0, out  # the old rules: this is the way out
    assert not ping(lab), "the negative test: without the rule it is denied"

    # P28: who comes back gets what the pair has now, whatever its file says.
    old.start()
    wait_until(lambda: "opened" not in rules(old), 10, "what has been edited meanwhile")
    pair.wait_config_equal()
    old.config["security_policy"]["rules"].remove(OPENED)


def test_R192_the_newer_configuration_wins_after_both_boxes_were_down(pair):
    """The one that was edited alone, and last, comes up as the second."""
    first, late = pair.whole()
    pair.wait_config_equal()
    common = first.rows("hrp-sync-config")[0]["digest"]
    first.kill()
    wait_until(lambda: late.rows("hrp-sync-config")[0]["role"] == "master", 10, "config master")
    late.config.setdefault("zones", []).append({"name": "guest", "priority": 20})
    late.write_config()
    assert late.command("reload")[0] == 0
    row = late.rows("hrp-sync-config")[0]
    noted = late.config_path.with_name(late.config_path.name + ".state")
    wait_until(lambda: f"generation {row['generation']}\ndigest {row['digest']}\ncommon {common}\n"
               in noted.read_text(), 5, "noted beside the file")
    late.kill()
    first.start()
    first.wait_role("active", 10)
    assert "guest" not in first.show("display zone")
    with Follower(first) as told:
        late.start()
        taken = told.until(kind="config")
    assert (taken["from"], taken["to"], taken["generation"]) == ("received", "applied", row["generation"])
    assert "guest" in first.show("display zone") and "guest" in first.config_path.read_text()
    pair.wait_config_equal()
    assert f"master, equal, generation {row['generation']}" in first.show("display hrp state verbose")
    late.config.pop("zones")
    first.write_config()
    first.show("reload")
    pair.wait_config_equal()
    assert "guest" not in late.show("display zone")


def test_R193_R197_off_nothing_goes_but_by_order(pair):
    """hrp.auto_sync_config off on one box: a difference is shown, and one order mends it."""
    master, other = pair.whole()
    pair.wait_config_equal()
    other.config["hrp"]["auto_sync_config"] = False
    other.write_config()
    assert other.command("reload")[0] == 0
    master.config.setdefault("zones", []).append({"name": "guest", "priority": 20})
    master.write_config()
    assert master.command("reload")[0] == 0
    wait_until(lambda: {b.rows("hrp-sync-config")[0]["state"] for b in pair} == {"differs"}, 5,
               "nothing is sent, and that is shown")
    code, out = other.command("hrp sync config")
    assert code == 1 and "not the config master" in out, out
    master.show("hrp sync config")
    pair.wait_config_equal()
    assert "guest" in other.show("display zone")
    for box in pair:
        box.config.pop("zones", None)
    other.config["hrp"].pop("auto_sync_config")
    master.write_config()
    master.show("reload")
    master.show("hrp sync config")
    pair.wait_config_equal()
    other.write_config()
    assert other.command("reload")[0] == 0


def test_R184_R191_what_the_other_box_cannot_apply_is_refused_there(pair):
    """A zone goes that an interface of the other box is in: nothing changes, and both say why."""
    master, other = pair.whole()
    pair.wait_config_equal()
    master.config["zones"] = [{"name": "guest", "priority": 20}]
    master.write_config()
    master.show("reload")
    pair.wait_config_equal()
    assert "guest" in other.show("display zone")
    other.config["zones"] = master.config.pop("zones")
    heartbeat = next(i for i in other.config["interfaces"] if i["zone"] == "dmz")
    heartbeat["zone"] = "guest"
    other.write_config()
    code, out = other.command("reload")
    assert code == 0, "what is its own it may change: " + out
    master.write_config()
    master.show("reload")
    wait_until(lambda: {b.rows("hrp-sync-config")[0]["state"] for b in pair} == {"refused"}, 5,
               "refused, and both know")
    for box in pair:
        assert "guest" in box.rows("hrp-sync-config")[0]["reason"], box.rows("hrp-sync-config")
        assert "refused" in box.log()
    assert "guest" in other.show("display zone")
    heartbeat["zone"] = "dmz"
    other.write_config()
    other.show("reload")
    master.show("hrp sync config")
    pair.wait_config_equal()
    assert "guest" not in other.show("display zone")
    other.config.pop("zones")

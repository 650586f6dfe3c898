# SPDX-License-Identifier: BSD-3-Clause
"""What operators order: a planned switch without a lost packet, a box held in standby."""
import time

from twlab import watch
from twlab.measure import Traffic
from twlab.topology import SIDES
from twlab.wait import wait_until

DRAIN_LIMIT_MS = 500  # packets on their way are forwarded for 100 ms; a busy machine adds to it
ANNOUNCED = watch.CLAIMS - {"transit"}  # packets on their way are forwarded to the end


def active_is(pair, box):
    """The command says so when the one has left; what the other publishes comes a moment later."""
    wait_until(lambda: pair.active() is box, 5, f"{box.name} alone is active")


def test_planned_switch_loses_nothing(pair, servers):
    old, new = pair.whole()
    assert old.command("hrp switch-over")[0] == 0
    active_is(pair, new)
    wait_until(lambda: new.synchronised() and old.synchronised(), 10, "synchronised again")
    with Traffic(pair.lab, connections=20) as traffic:
        traffic.flow(0.5)
        at = time.time_ns()
        out = new.show("hrp switch-over")
        traffic.flow(1.0)
        report = traffic.finish()
    assert "The peer is active now" in out
    active_is(pair, old)
    last = new.rows("hrp-history")[0]
    assert (last["from"], last["to"], last["cause"]) == ("active", "standby", "switch-over by order")
    assert last["cause"] in new.show("display hrp history")
    entering = [line for line in old.log().splitlines() if "Entering" in line and "STATE" in line]
    assert entering[-1].endswith("Entering MASTER STATE"), "one grep away (R246)"
    assert report["missed_by_observer"] == 0
    assert report["probe"]["lost"] == 0, report["probe"]
    assert report["flows"]["kept"] == 20, report["flows"]
    claims = [e for e in report["events"] if e.t >= at and e.kind in watch.CLAIMS]
    for side in SIDES:
        first = min(e.t for e in claims if e.box == old.host and e.vip == side)
        assert not [e for e in claims if e.box == new.host and e.vip == side and e.t > first
                    and e.kind in ANNOUNCED], "nothing announced by the one that has left"
        late = [e.t for e in claims if e.box == new.host and e.vip == side]
        assert not late or max(late) - first <= DRAIN_LIMIT_MS * 1e6


def test_held_box_stays_standby_and_refusals_say_why(pair):
    old, new = pair.whole()
    out = old.show("hrp standby-device")
    assert "Held in standby" in out
    active_is(pair, new)
    assert "Held in standby by order" in old.show("display hrp state")
    code, out = new.command("hrp switch-over")
    assert code == 1 and "held in standby" in out, out
    code, out = old.command("hrp switch-over")
    assert code == 1 and "this box is not active" in out, out
    old.show("undo hrp standby-device")
    wait_until(lambda: new.command("hrp switch-over")[0] == 0, 10, "may be switched again")
    active_is(pair, old)

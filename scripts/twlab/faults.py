# SPDX-License-Identifier: BSD-3-Clause
"""The faults of the pair, X01 to X31: how each is made, and what must hold.

scripts/faults runs them (fault_run.py), and the system tests use the same table.  A fault is a
function that breaks something while traffic flows (Round), with its bounds beside it.  H is the
hello interval, D = 3 H the silence after which the peer is dead.
"""
import time
from dataclasses import dataclass

from . import flows, watch
from .box import START_SECONDS
from .breaks import crash_thread, threads
from .config import by_hand, give_way, second_opinion
from .rounds import AFTER, BURST, Round
from .topology import SERVER, SIDES, VIPS, other_side
from .wait import wait_until

TOGETHER_NS = 20_000_000
ANNOUNCED_MS = 100	# gap of a switch that the old active box asks for
LCORE = "rte-worker-{}"	 # name of an lcore's thread
CONTROL, HRP, WORKER = 1, 2, 3	# app/lcores.h
STUCK_MS = 1000	 # a worker without a turn for this long is stuck
TABLE = {}	# key -> Fault


class Unknown(ValueError):
    """A fault that is not in the table."""


def dead_gap(r):
    """Detection, and one hello to act on it."""
    return r.dead_ms + r.hello_ms


@dataclass(frozen=True)
class Fault:
    """key: its number, with the variant behind a dash.  Bounds: None = none, except that `gap` is a
    function of the round or a number of ms."""

    key: str
    text: str
    make: object = None
    gap: object = None
    lost: int = None
    changes: int = None	 # of the owner, exactly
    two_owners: bool = False  # are they unavoidable?
    config: object = None  # change of both boxes' configuration that it is made with
    keeps: bool = True	# every connection and the download
    connections: int = 20
    download: bool = True
    after: float = AFTER
    slow: bool = False	# more than about five seconds: not among random ones
    limit: str = ""	 # why its bound is known not to hold yet

    @property
    def number(self):
        return self.key.split("-")[0]

    def round(self, pair, active=None, **kwargs):
        """Make it once under traffic. => the Round, with its row and the reasons in wrong."""
        options = {"seconds": self.after, "connections": self.connections,
                   "download": self.download, **kwargs}
        pair.arrange(self.config)
        with Round(pair, active=active, **options) as r:
            r.at = time.time_ns()
            check = self.make(r)
        if check:
            check()
        r.wrong += self.judge(r)
        return r

    def judge(self, r):
        """=> the reasons why the figures are not good."""
        row, wrong = r.row, []
        limit = self.gap(r) if callable(self.gap) else self.gap
        # What the prober itself sent late is no gap of ours.
        if limit is not None and row["gap_ms"] > limit + row["sender_late_ms"]:
            wrong.append(f"gap of {row['gap_ms']:.1f} ms, at most {limit:.0f} allowed")
        if self.lost is not None and row["lost"] > self.lost:
            wrong.append(f"{row['lost']} packets lost, at most {self.lost} allowed")
        if self.changes is not None and row["role_changes"] != self.changes:
            wrong.append(f"{row['role_changes']} role changes instead of {self.changes}")
        seconds = watch.second_owners(r.events)
        row["second_owner_frames"] = len(seconds)
        if not self.two_owners and row["two_owners_ms"] > 0:
            wrong.append(f"two owners for {row['two_owners_ms']:.1f} ms: {frames(seconds)}")
        if self.keeps and row["kept"] != row["total"]:
            wrong.append(f"{row['total'] - row['kept']} connections lost: {row['flow_errors']}")
        if self.keeps and row["download"] not in (None, "ok"):
            wrong.append(f"download: {row['download']}")
        if row["missed_by_observer"]:
            wrong.append(f"the observer missed {row['missed_by_observer']} frames")
        if row["ha_messages_on_service_ports"] and not r.heartbeats_in_service():
            wrong.append("HA messages on a service port")
        return wrong


def frames(events, most=5):
    """Some of them, in words."""
    return ", ".join(f"{e.box} {e.side} {e.kind} {e.text or ''}".rstrip() for e in events[:most])


def fault(key, text, **bounds):
    def add(make):
        TABLE[key] = Fault(key, text, make, **bounds)
        return make
    return add


UNHARMED = {"lost": 0, "changes": 0}


# ---- links to the switches ----
def _pull(r, side):
    r.at = r.lab.plug(r.old.host, side, False)
    r.wait_switched()
    vrrp = {VIPS[side].vrid: "initialize", VIPS[other_side(side)].vrid: "standby"}
    r.expect(r.old.vrrp() == vrrp, f"virtual routers of {r.old.name}: {r.old.vrrp()}")


def _together(r):
    """Both virtual IPs move at once, and not before the old box has given them up."""
    mine = [[e.t for e in watch.claims(r.events, side, r.new.host) if e.t >= r.at] for side in SIDES]
    r.expect(r.garps(r.new) == set(SIDES), "not every virtual IP was announced")
    if all(mine):
        first = [times[0] for times in mine]
        r.expect(abs(first[0] - first[1]) <= TOGETHER_NS, "the virtual IPs move one by one")
        last = max(e.t for e in watch.claims(r.events, box=r.old.host) if e.t < r.ended)
        r.expect(last <= min(first), "the old box owns one while the new one owns the other")


for _key, _side, _name in (("X01", "in", "inside"), ("X02", "out", "outside")):
    @fault(_key, f"the active box's {_name} cable is pulled", gap=ANNOUNCED_MS, changes=1)
    def _(r, side=_side):
        _pull(r, side)
        return lambda: _together(r)


@fault("X03", "the standby box's inside cable is pulled", after=0.5, **UNHARMED)
def _(r):
    r.at = r.lab.plug(r.new.host, "in", False)
    wait_until(lambda: any(g["failed"] for g in r.new.rows("hrp-state")[0]["groups"]), 5,
               f"{r.new.name} sees its own fault")


# A port may still hold frames that it could not send without a carrier, and send them when it is back.
@fault("X04", "the pulled cable is plugged in again", gap=ANNOUNCED_MS, changes=1)
def _(r):
    _pull(r, "in")
    r.pair.wait_formed()
    r.lab.plug(r.old.host, "in", True)
    wait_until(lambda: not any(g["failed"] for g in r.old.rows("hrp-state")[0]["groups"]), 5,
               f"{r.old.name} sees its repair")


def _flap(r, seconds):
    for _ in range(int(seconds * 10)):
        r.lab.plug(r.old.host, "in", False)
        r.flow(0.05)
        r.lab.plug(r.old.host, "in", True)
        r.flow(0.05)
    r.pair.wait_formed()


@fault("X05", "the active box's inside cable flaps 10 times a second, for 10 s", changes=1,
       gap=ANNOUNCED_MS, slow=True)
def _(r):
    _flap(r, 10)


@fault("X05-1s", "the same for one second", changes=1, gap=ANNOUNCED_MS)
def _(r):
    _flap(r, 1)


@fault("X06", "the active box's inside cable carries nothing for 0.6 s, its carrier stays",
       changes=0, after=1)
def _(r):
    r.breaks.lose_from(r.old.host, ["in"])
    r.breaks.lose_to(r.old.host, ["in"])
    r.flow(0.6)
    r.breaks.heal()
    healed = time.time_ns()
    return lambda: r.expect(r.gap_end() <= healed + ANNOUNCED_MS * 1e6, "the gap outlives its cause")


@fault("X07", "no advert reaches the standby box", after=0.5, **UNHARMED)
def _(r):
    r.breaks.lose_adverts(r.new.host)
    r.flow(2)  # two adverts


# ---- heartbeat cables ----
def _second_runs(r):
    wait_until(lambda: [[row["state"] for row in box.rows("hrp-interface")][1] for box in r.pair]
               == ["running"] * 2, 5, "the second cable runs")


@fault("X08", "the first heartbeat cable loses all from the active box", after=0.7, **UNHARMED)
def _(r):
    r.breaks.lose_from(r.old.host, ["hb0"])
    _second_runs(r)


@fault("X08-back", "the first heartbeat cable loses all from the standby box", after=0.7, **UNHARMED)
def _(r):
    r.breaks.lose_from(r.new.host, ["hb0"])
    _second_runs(r)


@fault("X09", "the first heartbeat cable is pulled", after=0.7, **UNHARMED)
def _(r):
    r.lab.heartbeat(False, ["hb0"])
    _second_runs(r)


def _cut(r):
    r.lab.heartbeat(False)
    wait_until(lambda: not any(row["state"] in ("ready", "running") and not row["heartbeat_only"]
                               for row in r.old.rows("hrp-interface")), 5, "no cable is left")


def _split(box):
    return box.rows("hrp-state")[0]["split_brain"]


# By default nobody is asked, so both become active; that is told, and the repair ends it.
@fault("X10", "every heartbeat cable is pulled for a second, the adverts stay (split_brain = alarm)",
       two_owners=True, after=0.5)
def _(r):
    _cut(r)
    wait_until(lambda: [_split(b) for b in r.pair] == ["both-active"] * 2, 5, "both boxes tell")
    r.flow(1)
    r.lab.heartbeat(True)
    r.pair.wait_formed()
    r.expect([_split(b) for b in r.pair] == ["none"] * 2, "the alarm is not over")


@fault("X10-yield", "the same with split_brain = yield", after=0.5, config=give_way, **UNHARMED)
def _(r):
    _cut(r)
    wait_until(lambda: _split(r.new) == "averted", 5, "the standby box tells")
    r.flow(1)


@fault("X10-yield-X16", "the same, and then the active box is killed", config=give_way, changes=1,
       gap=lambda r: dead_gap(r) + r.hello_ms)
def _(r):
    _cut(r)
    wait_until(lambda: _split(r.new) == "averted", 5, "the standby box tells")
    r.at = r.old.kill()


@fault("X10-second", "every heartbeat cable is pulled, a way by the inner network is left "
       "(heartbeat_only)", after=0.5, config=second_opinion, **UNHARMED)
def _(r):
    _cut(r)
    r.flow(1)
    r.expect(all(_split(b) == "none" and b.rows("hrp-state")[0]["peer"] != "unknown"
                 for b in r.pair), "a box has lost its peer")


@fault("X11", "full split brain for a second, then healed", two_owners=True, slow=True)
def _(r):
    for box in r.pair:
        r.breaks.lose_adverts(box.host)
    _cut(r)
    wait_until(lambda: [b.role() for b in r.pair] == ["active"] * 2, 5, "both are active")
    r.flow(1)
    r.breaks.heal()
    r.lab.heartbeat(True)
    r.pair.wait_formed()
    formed = time.time_ns()

    def check():
        left = watch.owners([e for e in r.events if e.t >= formed], formed, r.ended)
        r.expect(left["two_owners_ms"] == 0, "two owners after one of them has stepped down")
    return check


@fault("X11-yield", "the same with split_brain = yield: what is left is ARP on the service networks",
       after=0.5, config=give_way, **UNHARMED)
def _(r):
    for box in r.pair:
        r.breaks.lose_adverts(box.host)
    _cut(r)
    wait_until(lambda: _split(r.new) == "averted", 5, "the standby box tells")
    r.flow(2)


def _lossy(percent, **bounds):
    @fault(f"X12-{percent}%", f"{percent} % of the frames of both heartbeat cables are lost, for 3 s",
           after=0.5, slow=True, **bounds)
    def _(r):
        r.breaks.lose_some(r.lab.cables, percent)
        r.flow(3)
        r.expect(all(b.synchronised() for b in r.pair), "the tables are not equal")


_lossy(1, **UNHARMED)
_lossy(5, **UNHARMED)
_lossy(20, gap=dead_gap)


def _relayed(key, text, how, **bounds):
    @fault(key, text + ", for 3 s", after=0.5, slow=True, **UNHARMED, **bounds)
    def _(r):
        r.breaks.relay(**how)
        r.flow(3)
        results = r.breaks.thaw()
        r.expect(all(t["frames"] for t in results), f"the relay has seen nothing: {results}")
        wait_until(lambda: all(b.synchronised() for b in r.pair), 10, "the tables are equal")


# When the delay sets in, nothing comes for an interval more: together less than the dead time.
_relayed("X13", "the heartbeat cables are late by 150 ms, more or less 20",
         {"delay_ms": 150, "jitter_ms": 20})
_relayed("X14", "10 % of the frames of the heartbeat cables come twice, 10 % out of order",
         {"repeat": 10, "reorder": 10})
_relayed("X15", "1 % of the frames of the heartbeat cables have a wrong bit", {"flip": 1})


# ---- the process ----
@fault("X16", "the active box is killed", gap=dead_gap, changes=1)
def _(r):
    r.at = r.old.kill()
    return lambda: r.expect(r.garps(r.new) == set(SIDES), "not every virtual IP was announced")


@fault("X17", "the active box is stopped by SIGTERM", gap=ANNOUNCED_MS, lost=20, changes=1)
def _(r):
    code, seconds = r.old.terminate()
    r.expect(code == 0, f"it ended with {code} after {seconds:.1f} s")

    def check():
        first = min((e.t for e in watch.claims(r.events, box=r.new.host) if e.t >= r.at), default=0)
        late = [e for e in r.events if e.box == r.old.host and e.kind == "resign" and e.t >= first]
        r.expect(not late, "a late farewell moves the switches' tables back")
    return check


# So that no packet is lost, the old box still forwards for a while what comes to it.
@fault("X17-switch", "the roles are switched by order (hrp switch-over)", lost=0, changes=1,
       two_owners=True)
def _(r):
    code, text = r.old.command("hrp switch-over")
    r.expect(code == 0, f"the order is refused: {text}")

    def only_forwards():
        claims = [e for e in watch.second_owners(r.events) if e.kind != "transit"]
        r.expect(not claims, f"the old box still claims an address: {frames(claims)}")
    return only_forwards


def _silent_after(r, woken):
    """Nothing but what was on its way out."""
    after = watch.frames_after(r.events, r.old.host, woken)
    claims = [e for e in after if e.kind != "transit"]
    r.expect(not claims, f"after it has woken: {frames(claims)}")
    r.expect(len(after) <= BURST, f"{len(after)} frames after it has woken")


def _stop(r, seconds):
    r.at = r.old.freeze()
    r.flow(seconds)
    woken = r.old.wake()
    wait_until(lambda: r.old.role() is not None, 5, "the woken box answers")
    return woken


@fault("X18-0.5D", "the active box sleeps half a dead time", gap=dead_gap)
def _(r):
    _stop(r, 0.5 * r.dead_ms / 1000)


def _long_stop(key, text, dead_times, **bounds):
    @fault(key, text, gap=dead_gap, changes=1, **bounds)
    def _(r):
        woken = _stop(r, dead_times * r.dead_ms / 1000)
        return lambda: _silent_after(r, woken)


_long_stop("X18-2D", "the active box sleeps two dead times", 2)
_long_stop("X18-5D", "the active box sleeps five dead times", 5)
_long_stop("X18-200D", "the active box sleeps a minute", 200, slow=True)


def _thread(box, lcore):
    return threads(box.pid)[LCORE.format(lcore)]


def _stand(r, tids, seconds):
    """Threads of the active box stand still, then go on. => the time they go on."""
    r.breaks.freeze(r.old.pid, tids)
    r.at = time.time_ns()
    r.flow(seconds)
    woken = time.time_ns()
    r.breaks.thaw()
    return woken


@fault("X19", "a worker of the active box stands still for 2.5 s", changes=1,
       gap=lambda r: STUCK_MS + r.dead_ms)
def _(r):
    woken = _stand(r, _thread(r.old, WORKER), 2.5)
    return lambda: _silent_after(r, woken)


@fault("X20", "the control core of the active box, which decides, stands still for 2 D", changes=1,
       gap=dead_gap)
def _(r):
    woken = _stand(r, _thread(r.old, CONTROL), 2 * r.dead_ms / 1000)
    return lambda: _silent_after(r, woken)


@fault("X20-HRP", "the HRP core of the active box, which sends hellos, stands still for 2 D",
       changes=1, gap=dead_gap)
def _(r):
    woken = _stand(r, _thread(r.old, HRP), 2 * r.dead_ms / 1000)
    return lambda: _silent_after(r, woken)


@fault("X21", "the management thread of the active box stands still for 1.5 s", after=0.5,
       **UNHARMED)
def _(r):
    _stand(r, [r.old.pid], 1.5)


@fault("X22", "a worker of the active box crashes", gap=dead_gap, changes=1)
def _(r):
    crash_thread(r.old.pid, _thread(r.old, WORKER)[0])
    r.at = time.time_ns()
    r.old.reap()


@fault("X23", "the standby box is killed and comes back empty", after=0.5, **UNHARMED)
def _(r):
    r.new.kill()
    # Not the download, which may end, and not what is left of earlier rounds.
    before = {s["id"] for s in r.old.sessions(protocol="tcp", destination_port=flows.PORT)
              if s["state"] == "established"}
    r.new.start()
    r.pair.wait_formed()
    after = {s["id"] for s in r.old.sessions(protocol="tcp")}
    r.expect(before and before <= after, "the active box has lost sessions")
    copies = [s for s in r.new.sessions(protocol="tcp") if s["remote"]]
    r.expect(len(copies) >= r.traffic.connections, "the standby box was not filled")


# ---- starts ----
def many(lab, count):
    """Sessions that only wait, by one packet each."""
    code = (f"import socket,time\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
            f"for i in range({count}):\n"
            f" s.sendto(b'',('{SERVER}',20000+i))\n if i%50==0: time.sleep(0.001)\n")
    lab.run("cli", "/usr/bin/python3", "-c", code)


def filled(box):
    return sum(row["sessions"] for row in box.rows("version"))


def _dies_in_bulk(percent):
    @fault(f"X24-{percent}%", f"the active box dies when {percent} % are copied to a standby that came "
           "back", keeps=False, slow=True, gap=lambda r: dead_gap(r) + r.dead_ms)
    def _(r):
        r.new.kill()
        many(r.lab, 20000)
        total = filled(r.old)
        r.new.start(wait=False)
        wait_until(lambda: r.new.answers() and filled(r.new) >= total * percent / 100,
                   START_SECONDS, f"{percent} % are copied", every=0)
        r.at = r.old.kill()
        r.row_more["copied"] = f"{filled(r.new)} of {total}"
        r.new.wait_role("active")


for _percent in (10, 50, 90):
    _dies_in_bulk(_percent)


def _restarts(r, times):
    before = filled(r.old)
    for _ in range(times):
        r.new.kill()
        r.new.start()
    r.pair.wait_formed()
    r.expect(filled(r.old) <= before + 5, "the active box leaks sessions")


@fault("X25", "the standby box restarts 20 times while it is filled", slow=True, **UNHARMED)
def _(r):
    _restarts(r, 20)


@fault("X25-2", "the standby box restarts twice while it is filled", after=0.5, **UNHARMED)
def _(r):
    _restarts(r, 2)


@fault("X26", "A dies, B takes over, A comes back, B dies", gap=dead_gap, changes=2)
def _(r):
    r.at = r.old.kill()
    r.new.wait_role("active")
    r.old.start()
    r.pair.wait_formed()
    r.new.kill()
    r.old.wait_role("active")


def _cold(r, boxes):
    """Both are dead, these start at once. => the time both are ready."""
    for box in r.pair:
        box.kill()
    for box in boxes:
        box.start(wait=False)
    for box in boxes:
        box.wait_ready()
    return time.time_ns()


def _claimed_in_time(r, ready, box=None):
    """D of listening, and a hello to act on it; earlier when the peer has answered."""
    first = min((e.t for e in watch.claims(r.events, box=box) if e.t >= r.at), default=None)
    r.expect(first is not None and first <= ready + dead_gap(r) * 1e6 + r.row["sender_late_ms"] * 1e6,
             "nobody is active in time")


@fault("X27", "both boxes start together from cold", connections=0, download=False, after=0.7)
def _(r):
    ready = _cold(r, list(r.pair))
    r.pair.wait_formed()
    return lambda: _claimed_in_time(r, ready)


@fault("X27-alone", "one box starts alone from cold", connections=0, download=False, after=0.7)
def _(r):
    ready = _cold(r, [r.new])
    r.new.wait_role("active")
    return lambda: _claimed_in_time(r, ready, r.new.host)


@fault("X28", "both boxes die under connections, then start", keeps=False, slow=True,
       download=False, connections=5)
def _(r):
    ready = _cold(r, list(r.pair))
    active = r.pair.wait_formed()
    wait_until(lambda: active.drops().get("no_session"), 5, "packets in mid-stream are dropped")

    def check():
        _claimed_in_time(r, ready)
        r.expect(r.row["kept"] == 0, "a connection went on without a session")
        r.expect(r.row["lost"] < r.row["sent"], "no new session either")
    return check


# ---- configuration ----
@fault("X29", "the standby box comes back with twice the hello interval", after=0.5, **UNHARMED)
def _(r):
    r.pair.respoil(r.new, lambda c: c["hrp"].update(hello_ms=2 * r.hello_ms))
    r.pair.wait_formed()
    for box in r.pair:
        wait_until(lambda b=box: b.rows("hrp-state")[0]["hello_mismatch"], 5,
                   f"the mismatch is an alarm on {box.name}")


def _other_policy(r, state):
    """The standby box comes back with a rule more. => when both boxes say `state`"""
    rule = {"name": "more", "source_zones": ["untrust"], "action": "deny"}
    r.pair.respoil(r.new, lambda c: c["security_policy"]["rules"].append(rule))
    r.pair.wait_formed()
    for box in r.pair:
        wait_until(lambda b=box: [row["state"] for row in b.rows("hrp-sync-config")] == [state], 10,
                   f"{box.name} says of the configurations: {state}")


@fault("X29-policy", "the standby box comes back with another policy, without backup of the configuration",
       after=0.5, config=by_hand, **UNHARMED)
def _(r):
    _other_policy(r, "differs")
    r.expect("configurations are not the same" in r.new.log(), "nothing in the log")


@fault("X29-backup", "the same with backup: it gets the active box's", after=0.5, slow=True, **UNHARMED)
def _(r):
    _other_policy(r, "equal")
    names = [row["rule"] for row in r.new.rows("security_policy")]
    r.expect("more" not in names, f"rules of {r.new.name}: {names}")


@fault("X30", "each box hears the other speak another version, for 3 s", after=0.5, slow=True, **UNHARMED)
def _(r):
    r.breaks.relay(ahead=1)
    for box in r.pair:
        wait_until(lambda b=box: b.rows("hrp-state")[0]["other_version"], 5, f"{box.name} tells it")
    r.flow(3)
    r.expect(not any(b.synchronised() for b in r.pair), "sessions are mirrored")
    results = r.breaks.thaw()
    r.expect(all(t["frames"] for t in results), f"the relay has seen nothing: {results}")
    wait_until(lambda: all(b.synchronised() for b in r.pair), 20, "the tables are equal")


@fault("X31", "the standby box comes back in the group of the active one", after=1, **UNHARMED)
def _(r):
    group = r.old.config["vrrp"][0]["group"]
    r.pair.respoil(r.new, lambda c: [v.update(group=group) for v in c["vrrp"]])
    for box in r.pair:
        wait_until(lambda b=box: b.rows("hrp-state")[0]["wrong_pairing"], 5,
                   f"{box.name} tells the wrong pairing")


RANDOM = [f for f in TABLE.values() if not (f.limit or f.slow or f.config)]


def chosen(names):
    """The faults of these numbers or keys, in their order; of none: all. => list of Fault."""
    if not names:
        return list(TABLE.values())
    found = []
    for name in names:
        of_name = [f for f in TABLE.values() if name.upper() in (f.key.upper(), f.number)]
        if not of_name:
            raise Unknown(name)
        found += of_name
    return list(dict.fromkeys(found))

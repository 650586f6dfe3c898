# SPDX-License-Identifier: BSD-3-Clause
"""Round: traffic across one fault, and what it did.  WholePair: a pair that can be put right again.

    pair = WholePair(lab, hello_ms=100); pair.configure(...); pair.start()
    with Round(pair) as r:
        r.at = r.lab.plug(r.old.host, "in", False)       # r.old is active, r.new standby
    r.row        # figures of the round, see Round.figures()
    r.events     # every frame the boxes sent
"""
import copy
import random
import time

from . import watch
from .box import Pair
from .breaks import Breaks
from .measure import Traffic
from .wait import wait_until

AFTER = 1.5	 # seconds of traffic after a fault
BEFORE = 0.5  # and before it, beside a random phase of the hellos
RATE = 1_000_000
BURST = 32	# what a worker may have had in hand


class WholePair(Pair):
    """A pair that can be put right after whatever was done to it."""

    def __init__(self, lab, hello_ms=1000):
        super().__init__(lab, hello_ms)
        self.breaks = Breaks(lab)
        self._spoiled = {}
        self._change, self._plain = None, {}  # of arrange()

    def wait_empty(self):
        """Every box that runs gives back what sessions and packets took."""
        for box in self:
            if box.answering():
                box.wait_empty()

    def respoil(self, box, change):
        """Start a box anew with another configuration, until the next whole()."""
        box.end()
        self._spoiled.setdefault(box, copy.deepcopy(box.config))
        change(box.config)
        box.start()

    def _unspoil(self):
        for box, config in self._spoiled.items():
            box.end()
            box.config = config
        self._spoiled.clear()

    def arrange(self, change):
        """From the next whole() on both boxes run with change(config dict), or as configured (None)."""
        if change is self._change:
            return
        self._unspoil()
        for box in self:
            box.end()
            box.config = self._plain.pop(box, box.config)
            if change is not None:
                self._plain[box] = copy.deepcopy(box.config)
                change(box.config)
        self._change = change

    def mend(self):
        """All cables are in, no fault is left, and the boxes that are down are started."""
        self.breaks.clear()
        self._unspoil()
        for box in self:
            if box.pid is not None:
                box.wake()
        down = [box for box in self if box.pid is None]
        for box in down:
            box.start(wait=False)
        for box in self:
            box.wait_ready()

    def whole(self, active="fw1"):
        """Both boxes run and are synchronised, and `active` is active; None: whoever is.
        => (active box, standby box)."""
        self.mend()
        now = self.wait_formed()
        wanted = self.boxes[active] if active else now
        if now is not wanted:
            now.kill()
            wanted.wait_role("active")
            now.start()
            self.wait_formed()
        return wanted, self.peer_of(wanted)


class Round:
    """Traffic across one fault: with Round(...) as r: r.at = break it; ...; then r.row, r.events."""

    def __init__(self, pair, seconds=AFTER, connections=50, download=True, active="fw1",
                 rng=random):
        self.pair, self.lab, self.breaks = pair, pair.lab, pair.breaks
        self.hello_ms = pair.hello_ms
        self.dead_ms = 3 * pair.hello_ms
        self.old, self.new = pair.whole(active)
        self.seconds = seconds
        self.phase = rng.uniform(0, 5 * pair.hello_ms / 1000)
        self.traffic = Traffic(pair.lab, connections=connections,
                               download_bytes=int(RATE * (seconds + 1)) if download else 0,
                               download_rate=RATE)
        self.at = self.report = self.events = self.row = None
        self.began = self.ended = None
        self.wrong = []	 # what a fault's own checks complain about
        self.row_more = {}	# what a fault adds to the figures

    def __enter__(self):
        self.traffic.__enter__()
        self.began = time.time_ns()
        self.flow(BEFORE + self.phase)
        return self

    def __exit__(self, kind, *exc):
        try:
            if kind is None:
                self.flow(self.seconds)
                self.ended = time.time_ns()
                self.report = self.traffic.finish()
                self.events = self.report.pop("events")
                self.row = self.figures()
        finally:
            self.traffic.kill()

    @staticmethod
    def flow(seconds):
        """Let the traffic run on."""
        Traffic.flow(seconds)

    def expect(self, holds, text):
        """A check of the fault's own; every one that does not hold is a reason of the verdict."""
        if not holds:
            self.wrong.append(text)

    def figures(self):
        """What the ends and the observer saw, never what the boxes say of themselves."""
        probe = self.report["probe"]
        flows = self.report.get("flows", {"kept": 0, "total": 0, "errors": {}})
        download = self.report.get("download")
        owners = watch.owners(self.events, self.began, self.ended)
        return {"lost": probe["lost"], "sent": probe["sent"], "gap_ms": probe["gap_ms"],
                "sender_late_ms": probe["sender_late_ms"], **owners,
                "kept": flows["kept"], "total": flows["total"], "flow_errors": flows["errors"],
                "download": download["error"] or "ok" if download else None,
                "missed_by_observer": self.report["missed_by_observer"],
                "ha_messages_on_service_ports": sum(e.kind == "ha" for e in self.events),
                **self.row_more}

    def check(self, gap_ms):
        """All that must hold after a takeover by the peer."""
        report = self.report
        owners = watch.takeovers(self.events, self.old.host, self.new.host, self.at)
        text = f"{report} {owners} {self.row}"
        assert report["missed_by_observer"] == 0
        assert report["flows"]["kept"] == report["flows"]["total"] == self.traffic.connections, text
        assert "download" not in report or report["download"]["ok"], text
        assert report["probe"]["gap_ms"] <= gap_ms, text
        assert owners["two_owners_ms"] == self.row["two_owners_ms"] == 0, text
        assert owners["no_owner_ms"] is not None and owners["no_owner_ms"] <= gap_ms, text
        assert self.row["ha_messages_on_service_ports"] == 0, "HA message on a service port"

    def heartbeats_in_service(self):
        """Is a service network one of the pair's heartbeat links?"""
        return any(link.get("heartbeat_only") for link in self.old.config["hrp"]["interfaces"])

    def garps(self, box):
        return {e.vip for e in self.events if e.kind == "garp" and e.box == box.host
                and e.t >= self.at}

    def wait_switched(self, seconds=10):
        """Until the peer is active and the rest of the pair stands by it."""
        wait_until(lambda: self.pair.active() is self.new, seconds,
                   lambda: f"{self.new.name} has taken over: {self.pair.roles()}")

    def gap_end(self):
        """When the longest gap was over, in ns."""
        probe = self.report["probe"]
        return probe["gap_began_ns"] + probe["gap_ms"] * 1e6

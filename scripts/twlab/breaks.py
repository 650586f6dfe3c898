# SPDX-License-Identifier: BSD-3-Clause
"""What can be broken in the lab without a box noticing who did it, and clear(), which mends it all.

All cables run through the switches' namespace: frames are lost there by nftables, and delay, repeats,
reorder and bit errors of a heartbeat cable are the relay's (relay.py).  Not in the boxes' namespaces:
the kernel keeps a frame that nftables drops at a sending packet socket, and sends it later.
"""
import ctypes
import os
import signal

from .tool import Tool
from .topology import BOXES, SIDES, SWITCH

TABLE = "fault"
TGKILL = 234  # on x86-64


class Breaks:
    """The faults of one lab.  Cables are "in", "out", "hb0", "hb1"."""

    def __init__(self, lab):
        self.lab = lab
        self._tools, self._relayed = [], []

    def _rule(self, hook, box, cables, rule):
        chains = "".join(f"""
            chain {cable}_{box}_{hook} {{
                type filter hook {hook} device "{cable}-{box}" priority 0;
                {rule}
            }}""" for cable in cables)
        self.lab.run(SWITCH, "nft", "-f", "-", input=f"table netdev {TABLE} {{{chains}\n}}\n")

    def lose_from(self, box, cables, rule="drop"):
        """Nothing (or what the rule drops) that the box sends by these cables arrives."""
        self._rule("ingress", box, cables, rule)

    def lose_to(self, box, cables, rule="drop"):
        """Nothing (or what the rule drops) that is sent to the box by these cables arrives."""
        self._rule("egress", box, cables, rule)

    def lose_adverts(self, box):
        """No advert reaches that box."""
        self.lose_to(box, SIDES, "ip protocol 112 drop")

    def lose_some(self, cables, percent):
        """Each frame of these heartbeat cables is lost with this probability, in both directions."""
        for box in BOXES:
            self.lose_from(box, cables, f"numgen random mod 100 < {percent} drop")

    def heal(self):
        """Nothing is lost any more."""
        self.lab.run(SWITCH, "nft", "delete", "table", "netdev", TABLE, check=False)

    def _splice(self, cable, bridge):
        for box in BOXES:
            self.lab.run(SWITCH, "ip", "link", "set", f"{cable}-{box}", *bridge)

    def relay(self, **how):
        """Each frame of the heartbeat cables, in both directions, through relay.py: delay_ms,
        jitter_ms, ahead, and the percentages repeat, reorder, flip."""
        self._relayed = list(self.lab.cables)
        self._tools.append(Tool(self.lab, SWITCH, "relay", *self._relayed,
                                *[f"{name}={value}" for name, value in how.items()]))
        # Only now: a tool takes long to start on a busy machine, and a cable without either is cut.
        for cable in self._relayed:
            self._splice(cable, ["nomaster"])

    def freeze(self, pid, tids):
        """These threads stand still until thaw()."""
        self._tools.append(Tool(self.lab, SWITCH, "freeze", pid, *tids))

    def thaw(self):
        """All frozen threads go on, and the cables carry frames directly: what a relay had in hand
        is lost.  => the tools' results."""
        for cable in self._relayed:
            self._splice(cable, ["master", f"br-{cable}"])
        self._relayed = []
        results = []
        while self._tools:
            results.append(self._tools.pop().finish())
        return results

    def clear(self):
        """Everything of this page and every pulled cable is right again."""
        self.heal()
        self.thaw()
        for box in BOXES:
            for side in SIDES:
                self.lab.plug(box, side, True)
        self.lab.heartbeat(True)


def threads(pid):
    """=> {name of a thread: [tid, ...]} of a process."""
    found = {}
    for tid in sorted(map(int, os.listdir(f"/proc/{pid}/task"))):
        with open(f"/proc/{pid}/task/{tid}/comm", encoding="ascii") as f:
            found.setdefault(f.read().strip(), []).append(tid)
    return found


def crash_thread(pid, tid):
    """A thread reads where there is no memory."""
    ctypes.CDLL(None).syscall(TGKILL, pid, tid, signal.SIGSEGV)

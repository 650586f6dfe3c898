# SPDX-License-Identifier: BSD-3-Clause
"""What can be broken in the lab without a box noticing who did it, and clear(), which mends it all.

Frames are lost by nftables at the sender's egress: a packet socket, such as a box's port, reads what
comes in before nftables does.  Delay, repeats, reorder and bit errors are the relay's (relay.py).
"""
import ctypes
import os
import signal

from .relay import MARK
from .tool import Tool
from .topology import BOXES, SIDES, SWITCH

TABLE = "fault"
TGKILL = 234  # on x86-64


def _chain(interface, rule, hook="egress"):
    name = f"{interface.replace('-', '_')}_{hook}"
    return (f"chain {name} {{ type filter hook {hook} device \"{interface}\" priority 0; "
            f"{rule}\n}}\n")


class Breaks:
    """The faults of one lab."""

    def __init__(self, lab):
        self.lab = lab
        self._tools, self._relayed = [], []

    def _table(self, host, chains):
        self.lab.run(host, "nft", "-f", "-", input=f"table netdev {TABLE} {{\n{chains}}}\n")

    def lose(self, host, interfaces, rule="drop"):
        """Nothing (or what the rule drops) that the host sends by these interfaces arrives."""
        self._table(host, "".join(_chain(i, rule) for i in interfaces))

    def black_hole(self, box, side):
        """The cable of a box carries nothing in either direction; its carrier stays."""
        self.lose(box, [f"{side}0"])
        self.lose(SWITCH, [f"{side}-{box}"])

    def lose_adverts(self, box):
        """No advert reaches that box."""
        self.lose(SWITCH, [f"{side}-{box}" for side in SIDES], "ip protocol 112 drop")

    def lose_some(self, cables, percent):
        """Each frame of these heartbeat cables is lost with this probability, in both directions."""
        for box in BOXES:
            self.lose(box, cables, f"numgen random mod 100 < {percent} drop")

    def heal(self, *hosts):
        """Nothing is lost any more that these hosts send."""
        for host in hosts or (*BOXES, SWITCH):
            self.lab.run(host, "nft", "delete", "table", "netdev", TABLE, check=False)

    def relay(self, **how):
        """Each frame of the heartbeat cables, in both directions, through relay.py: delay_ms,
        jitter_ms, and the percentages repeat, reorder, flip."""
        self._relayed = list(self.lab.cables)
        for box in BOXES:
            ends = []
            for cable in self._relayed:
                self.lab.run(box, "ip", "link", "add", f"r{cable}", "mtu", "1500", "type", "veth",
                             "peer", "name", f"s{cable}", "mtu", "1500")
                ends += [f"r{cable}", f"s{cable}"]
            self.lab.own(box, ends)
            self._tools.append(Tool(self.lab, box, "relay", *self._relayed,
                                    *[f"{name}={value}" for name, value in how.items()]))
            self._table(box, "".join(_chain(c, f'meta mark != {MARK} fwd to "r{c}"') for c in self._relayed))

    def freeze(self, pid, tids):
        """These threads stand still until thaw()."""
        self._tools.append(Tool(self.lab, SWITCH, "freeze", pid, *tids))

    def thaw(self):
        """All frozen threads go on, and the cables carry frames directly: what a relay had in hand
        is lost.  => the tools' results."""
        if self._relayed:
            self.heal(*BOXES)
        results = []
        while self._tools:
            results.append(self._tools.pop().finish())
        for box in BOXES:
            for cable in self._relayed:
                self.lab.run(box, "ip", "link", "del", f"r{cable}", check=False)
        self._relayed = []
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

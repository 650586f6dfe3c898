# SPDX-License-Identifier: BSD-3-Clause
"""Plain VRRP beside another program: keepalived or FRR in FW2's place.

All rows of the matrix run at once, each a virtual router of its own, so that a test takes as long as
its slowest row.  Who is master is decided by the observer at the switch, from the adverts that came in
by each box's cable, never from what a daemon says of itself.

    alone     FW1 is master of every row
    joined    the other router comes; each row as its priorities say
    parted    the switch keeps the two apart: both are masters (the observer sees it)
    healed    joined again: the better one stays, of equal ones that with the higher address
    left      the other router ends: it says priority 0, FW1 takes over before it would have had to
"""
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from twlab import watch
from twlab.netns import process_start
from twlab.tool import Tool
from twlab.topology import BOX_ADDRESS, INTERFACE
from twlab.wait import wait_until

OURS, THEIRS = BOX_ADDRESS["fw1"]["in"], BOX_ADDRESS["fw2"]["in"]
PREFIX6 = "2001:db8:1::"
FW1, FW2, BOTH = frozenset({"fw1"}), frozenset({"fw2"}), frozenset({"fw1", "fw2"})


@dataclass(frozen=True)
class Row:
    """A virtual router: how it is set on both sides, and who is its master then."""

    vrid: int
    name: str
    version: int = 3
    family: int = 4
    ours: int = 150
    theirs: int = 100
    advert_ms: int = 300  # a stall of a busy machine is not the silence of a master
    their_advert_ms: int = 0  # 0: as ours
    password: str = ""
    their_password: str = ""
    unicast: bool = False
    preempt: bool = True  # of theirs
    checksum: str = ""
    long: bool = False  # not in the default run
    refused: bool = False  # FW1 refuses the other's adverts and stays master, whatever that one does

    @property
    def address(self):
        return f"10.1.1.{100 + self.vrid}" if self.family == 4 else f"fe80::1:{self.vrid:x}"

    def masters(self, phase):
        """Who sends adverts then."""
        if self.refused:
            return FW1
        better = FW1 if self.ours > self.theirs else FW2 if self.ours < self.theirs else None
        if phase == "joined":  # FW1 is there already: an equal one does not take over
            return better or FW1 if self.preempt else FW1
        return better or FW2


def second(vrid, name, **kwargs):
    return Row(vrid, "v2 " + name, version=2, advert_ms=1000, **kwargs)


KEEPALIVED = [
    second(11, "ours is higher"),
    second(12, "theirs is higher", theirs=200),
    second(13, "password, ours", password="test123", their_password="test123"),
    second(14, "password, theirs", theirs=200, password="1111", their_password="1111"),
    second(15, "wrong password", theirs=200, password="test123", their_password="1111",
           refused=True),
    second(16, "no password here", theirs=200, their_password="1111", refused=True),
    second(17, "unicast with a password", theirs=200, unicast=True, password="1111",
           their_password="1111"),
    second(18, "another interval is refused", theirs=200, their_advert_ms=2000, refused=True),
    second(19, "equal", theirs=150),
    Row(21, "v3 ours is higher"),
    Row(22, "v3 theirs is higher", theirs=200),
    Row(23, "v3 unicast, ours", unicast=True),
    Row(24, "v3 unicast, theirs", theirs=200, unicast=True),
    Row(25, "v3 another interval is learned, ours", their_advert_ms=100),
    Row(26, "v3 another interval is learned, theirs", theirs=200, their_advert_ms=600),
    Row(27, "v3 theirs does not preempt", theirs=200, preempt=False),
    Row(28, "v3 equal", theirs=150),
    Row(31, "v3 IPv6 ours is higher", family=6),
    Row(32, "v3 IPv6 theirs is higher", family=6, theirs=200),
    Row(40, "v3 100 ms", advert_ms=100, long=True),
    Row(41, "v3 10 ms", advert_ms=10, long=True),
    Row(42, "v3 1 s", advert_ms=1000, theirs=200, long=True),
]

FRR = [
    second(51, "ours is higher"),
    second(52, "theirs is higher", theirs=200),
    second(53, "another interval is refused", theirs=200, their_advert_ms=2000, refused=True),
    second(54, "equal", theirs=150),
    Row(61, "v3 ours is higher"),
    Row(62, "v3 theirs is higher", theirs=200),
    Row(63, "v3 another interval is learned, ours", their_advert_ms=100),
    Row(64, "v3 another interval is learned, theirs", theirs=200, their_advert_ms=600),
    Row(65, "v3 theirs does not preempt", theirs=200, preempt=False),
    Row(66, "v3 equal", theirs=150),
    Row(67, "v3 sums with the pseudo-header", checksum="pseudo_header"),
    Row(68, "v3 plain sums of ours, which FRR 8.4 does not take", theirs=200, checksum="plain"),
    Row(71, "v3 IPv6 ours is higher", family=6),
    Row(72, "v3 IPv6 theirs is higher", family=6, theirs=200),
    Row(73, "v3 IPv6 equal", family=6, theirs=150),
    Row(74, "v3 IPv6 theirs does not preempt", family=6, theirs=200, preempt=False),
]


def config_of(row):
    """A group of FW1."""
    group = {"vrid": row.vrid, "interface": INTERFACE["in"], "priority": row.ours,
             "advert_ms": row.advert_ms}
    if row.family == 4:
        group |= {"virtual_ip": row.address, "version": row.version}
    else:
        group["virtual_ip6"] = row.address
    if row.password:
        group["password"] = row.password
    if row.checksum:
        group["checksum"] = row.checksum
    if row.unicast:
        group["peers"] = [THEIRS]
    return group


# ---- the other router ----
class Keepalived:
    name = "keepalived"

    def __init__(self, lab, rows):
        self.lab, self.process = lab, None
        self.log_path, self.config_path = lab.dir / "keepalived.log", lab.dir / "keepalived.conf"
        self.config_path.write_text(
            "global_defs {\n router_id peer\n vrrp_garp_master_delay 0\n}\n" +
            "".join(map(self._instance, rows)))

    @staticmethod
    def _instance(row):
        lines = ["state BACKUP", "interface in0", f"virtual_router_id {row.vrid}",
                 f"priority {row.theirs}", f"version {row.version}",
                 f"advert_int {(row.their_advert_ms or row.advert_ms) / 1000:g}"]
        if not row.preempt:
            lines.append("nopreempt")
        if row.their_password:
            lines.append(f"authentication {{\n auth_type PASS\n auth_pass {row.their_password}\n}}")
        if row.unicast:
            lines.append(f"unicast_src_ip {THEIRS}\nunicast_peer {{\n {OURS}\n}}")
        lines.append(f"virtual_ipaddress {{\n {row.address}/{24 if row.family == 4 else 64}\n}}")
        return f"vrrp_instance r{row.vrid} {{\n" + "\n".join(lines) + "\n}\n"

    def start(self):
        # Its own /run: a file with the process id of another one would keep it from starting.
        folder = self.lab.dir
        with open(self.log_path, "ab") as log:
            self.process = self.lab.popen(
                "fw2", "keepalived", "-P", "-n", "-l", "-f", self.config_path,
                "-p", folder / "keepalived.pids", "-r", folder / "keepalived.vrrp",
                stdout=log, stderr=log)
        self.lab.note("keepalived", self.process.pid)

    def stop(self):
        """=> the time just before it, in ns."""
        now = time.time_ns()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        return now

    def log(self):
        return self.log_path.read_text(errors="replace")[-3000:]


class FRRouting:
    """FRR's zebra and vrrpd.  vrrpd speaks for a virtual router by an interface on top of in0 that has
    its MAC (and in IPv6 a link-local address) and that somebody else has made: a macvlan."""

    name = "FRR"

    def __init__(self, lab, rows):
        self.lab, self.rows, self.processes = lab, rows, []
        # Its own folder, which its user may write to: nothing of a daemon of the machine is touched.
        self.folder = Path(tempfile.mkdtemp(prefix="frr-", dir=lab.dir))
        shutil.chown(self.folder, "frr", "frr")
        self.logs = [self.folder / f"{daemon}.out" for daemon in ("zebra", "vrrpd")]
        (self.folder / "zebra.conf").write_text("")
        (self.folder / "vrrpd.conf").write_text("interface in0\n" +
                                                "".join(map(self._group, rows)))

    @staticmethod
    def _group(row):
        lines = [f"vrrp {row.vrid} version {row.version}", f"vrrp {row.vrid} priority {row.theirs}",
                 f"vrrp {row.vrid} advertisement-interval {row.their_advert_ms or row.advert_ms}",
                 f"vrrp {row.vrid} {'ip' if row.family == 4 else 'ipv6'} {row.address}"]
        if not row.preempt:
            lines.append(f"no vrrp {row.vrid} preempt")
        return "".join(f" {line}\n" for line in lines)

    def _interfaces(self):
        lines = []
        for row in self.rows:
            name = f"vrrp{row.family}-{row.vrid}"
            mac = f"00:00:5e:00:0{1 if row.family == 4 else 2}:{row.vrid:02x}"
            lines += [f"link add link in0 {name} address {mac} type macvlan mode bridge",
                      f"addr add {row.address}/{'24' if row.family == 4 else '64 nodad'} dev {name}",
                      f"link set {name} addrgenmode none up"]
            if row.family == 6:  # it sends from this one: above ours, as in IPv4
                lines.append(f"addr add fe80::ffff:ffff:ffff:{row.vrid:x}/64 nodad dev {name}")
        self.lab.batch("fw2", lines)

    def start(self):
        self._interfaces()
        socket = self.folder / "zserv"
        for daemon, log in zip(("zebra", "vrrpd"), self.logs):
            with open(log, "ab") as out:
                process = self.lab.popen(
                    "fw2", f"/usr/lib/frr/{daemon}", "-f", self.folder / f"{daemon}.conf",
                    "-i", self.folder / f"{daemon}.pid", "-z", socket, "--vty_socket", self.folder,
                    "-P", "0", "--log", "stdout", stdout=out, stderr=out)
            self.lab.note(daemon, process.pid)
            self.processes.append(process)
            if daemon == "zebra":
                wait_until(socket.exists, 10, lambda: f"zebra answers: {self.log()}")

    def stop(self):
        """=> the time just before it, in ns."""
        now = time.time_ns()
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            process.wait(10)
        return now

    def log(self):
        return "\n".join(log.read_text(errors="replace")[-3000:] for log in self.logs)


# ---- what the observer saw ----
ADVERT = re.compile(r"vrid (\d+) priority (\d+) version (\d+)")


def adverts(events):
    """=> {vrid: [(time, box, priority)]} of the inside."""
    found = defaultdict(list)
    for e in events:
        match = ADVERT.match(e.text or "") if e.side == "in" else None
        if match:
            found[int(match[1])].append((e.t, e.box, int(match[2])))
    return found


def senders(found, row, window):
    return {box for t, box, priority in found[row.vrid]
            if window[0] <= t < window[1] and priority > 0}


class Match:
    """FW1 and another router, through all phases.  Waiting goes by FW1's own view; judging does not."""

    def __init__(self, lab, box, other, rows):
        self.lab, self.box, self.other, self.rows = lab, box, other, rows
        self.windows, self.left_at = {}, None

    def states(self):
        return {r["vrid"]: r for r in self.box.rows("vrrp")}

    def wait(self, phase, masters):
        """Until FW1 is what it should be in each row."""
        def wrong():
            now = self.states()
            return [r.name for r in self.rows
                    if (now[r.vrid]["state"] == "Master") != ("fw1" in masters(r)) or
                    now[r.vrid]["state"] == "Initialize"]
        wait_until(lambda: not wrong(), 30, lambda: f"{phase}: FW1 is not as it should be in "
                   f"{wrong()}\n{self.other.name}:\n{self.other.log()}")

    def window(self, phase, settle_s=0):
        """So long that every master has sent; `settle_s`: the last words of others are let go by."""
        start = time.time_ns() + int(settle_s * 1e9)
        slowest = max(max(r.advert_ms, r.their_advert_ms) for r in self.rows if not r.refused)
        end = start + int(slowest * 1.1e6)
        wait_until(lambda: time.time_ns() > end, 10, f"{phase}: the slowest has sent")
        self.windows[phase] = (start, end)

    def part(self, on):
        for box in ("fw1", "fw2"):
            self.lab.run("sw", "bridge", "link", "set", "dev", f"in-{box}", "isolated",
                         "on" if on else "off")

    def play(self):
        watcher = Tool(self.lab, "sw", "watch")
        self.wait("alone", lambda r: FW1)
        self.other.start()
        self.wait("joined", lambda r: r.masters("joined"))
        self.window("joined")
        self.part(True)
        self.wait("parted", lambda r: FW1)
        self.window("parted")
        self.part(False)
        self.wait("healed", lambda r: r.masters("healed"))
        self.window("healed", 1.1)
        self.left_at = self.other.stop()
        self.wait("left", lambda r: FW1)
        self.window("left")
        events, missed = watch.load(watcher.finish())
        assert missed == 0
        return adverts(events)


def judge(match, found):
    """=> what is wrong, a line each."""
    wrong = []
    for row in match.rows:
        for phase, expected in (("joined", row.masters("joined")), ("parted", FW1 if row.refused else BOTH),
                                ("healed", row.masters("healed")), ("left", FW1)):
            got = senders(found, row, match.windows[phase])
            if got != expected and not (row.refused and expected == FW1 and expected <= got):
                wrong.append(f"{row.name} (vrid {row.vrid}), {phase}: adverts of {sorted(got)}, "
                             f"expected of {sorted(expected)}")
        if row.masters("healed") == FW2:  # so FW1 takes over when it leaves
            wrong += resigned(match, found, row)
    return wrong


def resigned(match, found, row):
    """Priority 0, and we take over after the skew, not after the whole time without a master."""
    gone = [t for t, box, priority in found[row.vrid]
            if box == "fw2" and priority == 0 and t >= match.left_at]
    if not gone:
        return [f"{row.name}: no priority 0 was seen"]
    begun = next((t for t, box, priority in found[row.vrid]
                  if box == "fw1" and priority > 0 and t > gone[0]), None)
    interval = row.their_advert_ms or row.advert_ms
    if begun is None or (begun - gone[0]) / 1e6 >= 3 * interval:
        return [f"{row.name}: priority 0, then FW1's first advert after "
                f"{begun and (begun - gone[0]) / 1e6} ms"]
    return []


@pytest.fixture
def lan(lab, one_box):
    """FW1 alone with plain groups, and an address for the other router in FW2's place."""
    def start(rows):
        config = one_box.config
        config.pop("hrp")
        # Nor is there a heartbeat.
        config["ports"] = [p for p in config["ports"] if p["name"] != "p2"]
        config["interfaces"] = [i for i in config["interfaces"] if i["port"] != "p2"]
        config["vrrp"] = [config_of(r) for r in rows]
        for interface in config["interfaces"]:
            if interface["name"] == INTERFACE["in"]:
                interface["address6"] = [PREFIX6 + "2/64"]
        lab.run("fw2", "sh", "-c",
                "for i in all default in0; do echo 0 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; "
                "echo 0 >/proc/sys/net/ipv6/conf/$i/accept_dad; done; "
                "ip link set in0 down; ip link set in0 arp on multicast on up; "
                f"ip addr replace {THEIRS}/24 dev in0; ip addr replace {PREFIX6}3/64 dev in0 nodad")
        one_box.start()
        return one_box
    yield start
    lab.run("sw", "bridge", "link", "set", "dev", "in-fw1", "isolated", "off")
    lab.run("sw", "bridge", "link", "set", "dev", "in-fw2", "isolated", "off")
    for pid in lab.noted().values():
        if process_start(pid) is not None and pid != one_box.pid:
            subprocess.run(["kill", "-9", str(pid)], check=False)


def refusals(box):
    return {r["reason"]: r["adverts"] for r in box.rows("vrrp-refused")}


def play(lab, lan, peer, rows):
    box = lan(rows)
    match = Match(lab, box, peer(lab, rows), rows)
    found = match.play()
    wrong = judge(match, found)
    assert not wrong, "\n".join(wrong) + "\n" + match.other.log()
    return box


def test_R229_VRP_04_beside_keepalived(lab, lan):
    rows = [r for r in KEEPALIVED if not r.long]
    box = play(lab, lan, Keepalived, rows)
    refused = refusals(box)
    for reason in ("auth", "password", "interval"):
        assert refused[reason] > 0, refused


@pytest.mark.long
def test_VRP_04_the_whole_matrix_beside_keepalived(lab, lan):
    play(lab, lan, Keepalived, KEEPALIVED)


def test_R229_VRP_04_beside_FRR(lab, lan):
    box = play(lab, lan, FRRouting, FRR)
    assert refusals(box)["interval"] > 0

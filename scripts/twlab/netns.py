# SPDX-License-Identifier: BSD-3-Clause
"""Lab: the namespaces, cables and switches, and the programs that run in them.

Life-cycle: Lab(prefix) -> up() -> run(), start() ... -> down().  A lab is known by its prefix only:
another process can open the same lab and take it down.  Whatever runs in it is ended by the process
ids noted in the run folder, and by what the kernel says lives in its namespaces; never by name.
"""
import fcntl
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from .topology import (BOX_ADDRESS6, BOXES, HEARTBEAT_ROUTER, HOST_ADDRESS, HOST_ADDRESS6, HOST_SIDE,
                       HOSTS, SIDES, SWITCH, VIPS)
from .wait import wait_until

RUN = Path("/run/twinwall-lab")
TERM_SECONDS = 3  # a daemon has 2 s to end by itself


class LabError(RuntimeError):
    """The lab cannot be built or used; the text is meant for the user."""


def _process_stat(pid):
    """What the kernel says of a live process, from its state on; None: gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] in "ZX" else fields


def process_start(pid):
    """Start time of a live process in clock ticks; None when it is gone or a zombie."""
    fields = _process_stat(pid)
    return int(fields[19]) if fields else None


def process_runs(pid):
    """Is it there, and not stopped by a signal?"""
    fields = _process_stat(pid)
    return bool(fields) and fields[0] != "T"


class Lab:
    def __init__(self, prefix="tw"):
        if not prefix.isalnum() or len(prefix) > 8:
            raise LabError(f"lab name '{prefix}': up to 8 letters and digits, please")
        self.prefix = prefix
        self.dir = RUN / prefix
        self.cables = ["hb0"]  # heartbeat cables
        self._lock = None

    # ---- names ----
    def ns(self, host):
        return f"{self.prefix}-{host}"

    @property
    def namespaces(self):
        return [self.ns(h) for h in (*HOSTS, SWITCH)]

    # ---- one user at a time ----
    def lock(self):
        """Take the lab for this process: demo and tests do not share one."""
        path = RUN / f"{self.prefix}.lock"
        while True:
            RUN.mkdir(parents=True, exist_ok=True)
            lock = open(path, "w", encoding="ascii")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(lock.fileno()), os.stat(path)):
                    self._lock = lock
                    return
            except BlockingIOError:
                raise LabError(f"lab '{self.prefix}' is in use by another program") from None
            except FileNotFoundError:
                pass  # its last user has just removed it: once more
            lock.close()

    def unlock(self):
        """The end of lock(); leaves no file behind."""
        if self._lock is not None:
            (RUN / f"{self.prefix}.lock").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None
            self._remove_run()

    @staticmethod
    def _remove_run():
        try:
            RUN.rmdir()
        except OSError:
            pass  # other labs are there

    # ---- programs ----
    def argv(self, host, argv):
        return ["ip", "netns", "exec", self.ns(host), *map(str, argv)]

    def run(self, host, *argv, check=True, timeout=30, **kwargs):
        """Run a program in a host to its end, with its output as text."""
        done = subprocess.run(self.argv(host, argv), check=False, text=True, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
        if check and done.returncode:
            raise LabError(f"{host}: {' '.join(map(str, argv))}: exit code {done.returncode}: "
                           f"{done.stdout.strip()}")
        return done

    def popen(self, host, *argv, **kwargs):
        """Start a program in a host.  It has its own session: Ctrl-C at our terminal is ours."""
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(self.argv(host, argv), start_new_session=True, **kwargs)

    def note(self, name, pid):
        """Note a process that outlives us, so that down() of any later process ends it."""
        (self.dir / f"{name}.pid").write_text(f"{pid} {process_start(pid)}\n")

    def noted(self):
        """=> {name: pid} of the noted processes that still run."""
        found = {}
        for file in sorted(self.dir.glob("*.pid")):
            try:
                pid, start = file.read_text().split()
            except (OSError, ValueError):
                continue
            if start != "None" and process_start(int(pid)) == int(start):
                found[file.stem] = int(pid)
        return found

    # ---- building ----
    def exists(self):
        have = {p.name for p in Path("/run/netns").glob(f"{self.prefix}-*")}
        return have >= set(self.namespaces) and (self.dir / "up").exists()

    def up(self):
        """Build the lab; a complete one stays, the rest of an interrupted one is removed first.
        => False when it was there already."""
        if os.geteuid() != 0:
            raise LabError("the lab makes network namespaces: run this as root (sudo)")
        if self.exists():
            return False
        self.down()
        self.dir.mkdir(parents=True)
        Path("/run/netns").mkdir(exist_ok=True)
        try:
            self._build()
        except BaseException:
            self.down()
            raise
        (self.dir / "up").touch()
        return True

    def batch(self, host, lines):
        """Commands of ip(8) in a host, at once."""
        subprocess.run(["ip", "-n", self.ns(host), "-batch", "-"], input="\n".join(lines) + "\n",
                       text=True, check=True)

    def _build(self):
        for ns in self.namespaces:
            subprocess.run(["ip", "netns", "add", ns], check=True)
        for host in (*HOSTS, SWITCH):
            self._settle(host)
        cables = [("cli", "eth0", "in-cli"), ("srv", "eth0", "out-srv")]
        cables += [(b, f"{side}0", f"{side}-{b}") for b in BOXES for side in SIDES]
        lines = []
        for side in SIDES:
            lines += [f"link add br-{side} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
                      f"link set br-{side} up"]
        for host, port, plug in cables:
            lines += [f"link add {plug} mtu 1500 type veth peer name {port} mtu 1500 "
                      f"netns {self.ns(host)}",
                      f"link set {plug} master br-{plug.split('-', 1)[0]} up"]
        self.batch(SWITCH, lines)
        self.cables.clear()
        self._cable("hb0")
        self._offload(SWITCH, [plug for _, _, plug in cables])
        for box in BOXES:
            self.batch(box, ["link set lo up"])
            self.own(box, [f"{side}0" for side in SIDES])
        for host, side in HOST_SIDE.items():
            self._offload(host, ["eth0"])
            self.batch(host, ["link set lo up", f"addr add {HOST_ADDRESS[host]}/24 dev eth0",
                               "link set eth0 up",
                               f"route add default via {VIPS[side].address}"])

    def ipv6(self, box=None):
        """IPv6 on client and server, with `box` as their gateway, or the pair.  Off until a test wants it, so
        that the others see no stray multicast."""
        for host, side in HOST_SIDE.items():
            self.run(host, "sh", "-c", "for i in all default eth0; do "
                     "echo 0 >/proc/sys/net/ipv6/conf/$i/accept_ra; "
                     "echo 0 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done")
            gateway = BOX_ADDRESS6[box][side] if box is not None else VIPS[side].address6
            self.batch(host, [f"addr replace {HOST_ADDRESS6[host]}/64 dev eth0 nodad",
                               f"route replace ::/0 via {gateway} dev eth0"])

    def _settle(self, host):
        """No IPv6 and no forwarding by the kernel."""
        self.run(host, "sh", "-c", "for i in all default; do "
                 "echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; "
                 "echo 0 >/proc/sys/net/ipv4/conf/$i/forwarding; done 2>/dev/null; :")

    def own(self, box, ports):
        """The daemon owns these ports: the kernel has no address there and answers nothing."""
        self._offload(box, ports)
        self.batch(box, [f"link set {p} arp off multicast off up" for p in ports])

    def _offload(self, host, ports):
        """Full-size segments with real checksums: who reads a veth from user space sees what is
        on the wire, not what the kernel meant to finish later."""
        for port in ports:
            self.run(host, "ethtool", "-K", port, "tx", "off", "tso", "off", "gso", "off",
                     "gro", "off")

    # ---- cables ----
    def plug(self, box, side, up):
        """Pull or plug the cable of a box at the switch. => the time it happened, in ns."""
        now = time.time_ns()
        subprocess.run(["ip", "-n", self.ns(SWITCH), "link", "set", f"{side}-{box}",
                        "up" if up else "down"], check=True)
        return now

    def heartbeat(self, up, cables=None):
        """Cut or restore heartbeat cables, all or those named (both ends see it)."""
        for box in BOXES:
            for cable in cables or self.cables:
                subprocess.run(["ip", "-n", self.ns(box), "link", "set", cable,
                                "up" if up else "down"], check=True)

    def second_heartbeat(self):
        """One more heartbeat cable; config.add_second_heartbeat() uses it."""
        self._cable("hb1")

    def cross_heartbeats(self, crossed):
        """Each of the two heartbeat cables ends at the other's port of the second box, or at its own."""
        self.batch(SWITCH, [f"link set {mine}-{BOXES[1]} master br-{other if crossed else mine}"
                             for mine, other in (("hb0", "hb1"), ("hb1", "hb0"))])

    def route_heartbeat(self):
        """A router in the middle of the first heartbeat cable; config.route_heartbeat() goes with it."""
        for box, address in HEARTBEAT_ROUTER.items():
            port = f"hb0-{box}"
            self.batch(SWITCH, [f"link set {port} nomaster", f"addr add {address}/24 dev {port}"])
            self.run(SWITCH, "sh", "-c",
                     f"echo 1 >/proc/sys/net/ipv4/conf/{port}/forwarding")

    def _cable(self, name):
        """A cable from box to box.  Its two halves meet in the switches' namespace, in a bridge that
        learns nothing, so that what happens to frames on the way can be chosen there."""
        lines = [f"link add br-{name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0 "
                 "ageing_time 0", f"link set br-{name} up"]
        for box in BOXES:
            lines += [f"link add {name}-{box} mtu 1500 type veth peer name {name} mtu 1500 "
                      f"netns {self.ns(box)}", f"link set {name}-{box} master br-{name} up"]
        self.batch(SWITCH, lines)
        self._offload(SWITCH, [f"{name}-{box}" for box in BOXES])
        for box in BOXES:
            self.own(box, [name])
        self.cables.append(name)

    def learned(self, box, side):
        """Does the switch of that side send frames for the virtual MAC to that box alone?"""
        out = self.run(SWITCH, "bridge", "fdb", "show", "br", f"br-{side}").stdout
        lines = [line for line in out.splitlines() if line.startswith(VIPS[side].mac)]
        return bool(lines) and all(f"dev {side}-{box}" in line for line in lines)

    # ---- removing ----
    def down(self):
        """Remove everything of this lab, whatever state it is in."""
        self._end(self.noted().values(), signal.SIGTERM, TERM_SECONDS)
        self._end(self._inside(), signal.SIGKILL, TERM_SECONDS)
        for ns in self.namespaces:
            if (Path("/run/netns") / ns).exists():
                subprocess.run(["ip", "netns", "del", ns], check=False)
        if self.dir.exists():
            shutil.rmtree(self.dir)
        self._remove_run()

    def _inside(self):
        """The processes in our namespaces: ours, and shells of `scripts/lab shell`."""
        pids = set()
        for ns in self.namespaces:
            if (Path("/run/netns") / ns).exists():
                out = subprocess.run(["ip", "netns", "pids", ns], text=True, check=False,
                                     stdout=subprocess.PIPE).stdout
                pids |= {int(p) for p in out.split()}
        return pids - {os.getpid()}

    @staticmethod
    def _end(pids, signum, seconds):
        pids = list(pids)
        for pid in pids:
            for s in (signum, signal.SIGCONT):  # a frozen one must wake up to end
                try:
                    os.kill(pid, s)
                except ProcessLookupError:
                    break
        try:
            wait_until(lambda: all(process_start(p) is None for p in pids), seconds, "end of them")
        except AssertionError:
            pass

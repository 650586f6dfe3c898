# SPDX-License-Identifier: BSD-3-Clause
"""bench --peers: this firewall, Linux nftables and OVS-DPDK, each with connection tracking, on the
same work.

    src s0 ---- f0 [ firewall under test ] f1 ---- d0 dst

One sender (tests/bench/sender.c) on CPU 1 sends UDP through the firewall on CPU 0; the counter of
d0 says what came out.  Every peer has the same two routes and the same policy: from f0 new sessions
and their packets, from f1 packets of sessions only; TTL and MAC addresses are rewritten.
"""
import argparse
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .box import ROOT, program
from .config import to_text
from .netns import Lab, LabError
from .wait import Timeout, wait_until

FIREWALL_CPU, SENDER_CPU = 0, 1
SECONDS = 2
FLOWS = (1000, 100000)
SESSIONS = 4000000
SCHEMA = 1
OVS_VSWITCHD = Path("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk")
CONNTRACK = Path("/proc/sys/net/netfilter")
HUGEPAGES = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
MEMORY_MB = 1536


class Cables(Lab):
    """Three namespaces in a row."""

    @property
    def namespaces(self):
        return [self.ns(h) for h in ("src", "fw", "dst")]

    def _build(self):
        for ns in self.namespaces:
            subprocess.run(["ip", "netns", "add", ns], check=True)
        for host in ("src", "fw", "dst"):
            self._settle(host)
        self.batch("fw", [f"link add f0 type veth peer name s0 netns {self.ns('src')}",
                           f"link add f1 type veth peer name d0 netns {self.ns('dst')}"])
        for host, port, address in (("src", "s0", "192.168.0.2"), ("dst", "d0", "192.168.1.2")):
            self._offload(host, [port])
            self.batch(host, ["link set lo up", f"link set {port} up",
                               f"addr add {address}/24 dev {port}"])
            self.drop(host, port, "ip daddr { 10.0.0.0/8, 200.0.0.0/8 } drop")
        self._offload("fw", ["f0", "f1"])
        self.batch("fw", ["link set f0 up", "link set f1 up"])

    def drop(self, host, port, rule):
        """Before the kernel's own stack has work with it, after packet sockets and the counter."""
        self.run(host, "nft", "-f", "-", input=f"""
            table netdev {port} {{ chain ingress {{
                type filter hook ingress device "{port}" priority 0;
                {rule}
            }}
            }}""")

    def rps(self, on):
        """Receive work of the firewall's ports: on its own CPU, or on that of who sends."""
        for port in ("f0", "f1"):
            self.run("fw", "sh", "-c", f"echo {1 << FIREWALL_CPU if on else 0:x} "
                     f">/sys/class/net/{port}/queues/rx-0/rps_cpus")

    def hide(self):
        """The firewall's ports are a user-space program's alone."""
        for port in ("f0", "f1"):
            self.drop("fw", port, "drop")
            self.run("fw", "ip", "link", "set", port, "arp", "off")

    def mac(self, host, port):
        return self.run(host, "cat", f"/sys/class/net/{port}/address").stdout.strip()

    def received(self):
        return int(self.run("dst", "cat", "/sys/class/net/d0/statistics/rx_packets").stdout)

    def send(self, flows, seconds, how, first=0):
        """=> (packets sent, seconds it took, next flow)."""
        host, port, to = ("dst", "d0", "f1") if how == "reverse" else ("src", "s0", "f0")
        out = self.run(host, "taskset", "-c", SENDER_CPU, ROOT / "build/tests/bench/sender", port,
                       self.mac("fw", to), flows, seconds, how, first, timeout=60).stdout.split()
        return int(out[0]), int(out[1]) / 1e9, int(out[2])

    def rate(self, flows, seconds, how, first=0):
        """=> (packets a second out of the firewall, packets a second sent, next flow)."""
        before = self.received()
        sent, took, last = self.send(flows, seconds, how, first)
        return (self.received() - before) / took, sent / took, last


class Nftables:
    """The kernel's forwarding.  rps: on the firewall's CPU; without, it all happens on the
    sender's."""

    def __init__(self, lab, rps):
        self.lab, self.rps = lab, rps
        self.name = "nftables" + (", RPS" if rps else "")
        self.kind = "nftables"

    def start(self):
        lab = self.lab
        for number, port in enumerate(("f0", "f1")):
            lab.run("fw", "ip", "addr", "add", f"192.168.{number}.1/24", "dev", port)
        lab.run("fw", "ip", "route", "add", "10.0.0.0/8", "via", "192.168.0.2")
        lab.run("fw", "ip", "route", "add", "200.0.0.0/8", "via", "192.168.1.2")
        lab.run("fw", "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
        lab.run("fw", "nft", "-f", "-", input="""
            table ip filter { chain forward {
                type filter hook forward priority 0; policy drop;
                ct state established,related accept
                iifname "f0" ct state new accept
            }
            }""")
        lab.rps(self.rps)

    def stop(self):
        pass  # the namespace goes with the lab


class Twinwall:
    """This firewall.  driver: "af_packet" or "af_xdp"."""

    def __init__(self, lab, driver, arguments="", rps=False):
        self.lab, self.driver, self.arguments, self.rps = lab, driver, arguments, rps
        self.name = f"Twinwall, {driver}{arguments}" + (", RPS" if rps else "")
        self.kind = "Twinwall"
        self.process = None

    def start(self):
        run = self.lab.dir
        huge = HUGEPAGES.exists() and int(HUGEPAGES.read_text()) * 2 >= MEMORY_MB
        config = {
            "version": 1,
            "system": {
                "name": "PEER", "management_cpu": SENDER_CPU, "control_cpu": SENDER_CPU,
                "worker_cpus": [FIREWALL_CPU], "idle": "sleep", "idle_sleep_us": 50,
                "memory_mb": MEMORY_MB, "hugepages": huge, "sessions": SESSIONS,
                "console_socket": f"{run}/console", "json_socket": f"{run}/json",
            },
            "ports": [{"name": f"p{i}",
                       "devargs": f"net_{self.driver}{i},iface=f{i}{self.arguments}"}
                      for i in (0, 1)],
            "interfaces": [{"name": f"GigabitEthernet1/0/{i}", "port": f"p{i}",
                            "address": f"192.168.{i}.1/24", "zone": ("trust", "untrust")[i]}
                           for i in (0, 1)],
            "routes": [{"prefix": "10.0.0.0/8", "via": "192.168.0.2"},
                       {"prefix": "200.0.0.0/8", "via": "192.168.1.2"}],
            "security_policy": {"default": "deny", "rules": [
                {"name": "out", "source_zones": ["trust"], "destination_zones": ["untrust"],
                 "action": "permit"}]},
        }
        self.lab.hide()
        self.lab.rps(self.rps)
        (run / "peer.conf").write_text(to_text(config))
        with open(run / "peer.log", "wb") as log:
            self.process = self.lab.popen("fw", program("twinwalld"), "-c", run / "peer.conf",
                                          stdout=log, stderr=log)
        self.lab.note("peer", self.process.pid)
        wait_until(self._ready, 30, lambda: "twinwalld answers:\n" +
                   (run / "peer.log").read_text(errors="replace")[-2000:])

    def _ready(self):
        if self.process.poll() is not None:
            raise Timeout("twinwalld ended: " +
                          (self.lab.dir / "peer.log").read_text(errors="replace")[-2000:])
        return subprocess.run([program("twinctl"), "-s", self.lab.dir / "console", "-c",
                               "display version"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)


class Ovs:
    """OVS-DPDK with its own database and daemons in the run folder."""

    FLOWS = """table=0,priority=10,arp,actions=drop
table=0,priority=5,ip,actions=ct(table=1)
table=1,priority=10,ct_state=+trk+est,in_port=1,ip,actions={out}
table=1,priority=10,ct_state=+trk+new,in_port=1,ip,actions=ct(commit),{out}
table=1,priority=10,ct_state=+trk+est,in_port=2,ip,actions={back}
table=1,priority=0,actions=drop
"""
    PLAIN = "in_port=1,actions=output:2\nin_port=2,actions=output:1\n"

    def __init__(self, lab, devargs=None, conntrack=True, rps=False):
        self.lab, self.conntrack, self.rps = lab, conntrack, rps
        self.devargs = devargs or [f"eth_af_packet{i},iface=f{i}" for i in (0, 1)]
        self.name = "OVS-DPDK, af_packet" + (", RPS" if rps else "")
        self.kind = "OVS-DPDK"
        self.daemons = []
        self.dir = lab.dir / "ovs"
        self.env = {**os.environ, **{f"OVS_{d}DIR": str(self.dir)
                                     for d in ("RUN", "LOG", "DB", "SYSCONF")}}

    def _call(self, *argv, **kwargs):
        done = subprocess.run([str(a) for a in argv], env=self.env, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              **kwargs)
        if done.returncode:
            raise LabError(f"{' '.join(map(str, argv))}: {done.stdout.strip()}")
        return done.stdout

    def _vsctl(self, *argv):
        return self._call("ovs-vsctl", f"--db=unix:{self.dir}/db.sock", *argv)

    def appctl(self, *argv):
        return self._call("ovs-appctl", "-t", self.dir / "vswitchd.ctl", *argv)

    def _daemon(self, *argv):
        with open(self.dir / "log", "ab") as log:
            process = self.lab.popen("fw", *argv, env=self.env, stdout=log, stderr=log)
        self.lab.note(f"ovs{len(self.daemons)}", process.pid)
        self.daemons.append(process)

    def start(self):
        self.lab.hide()
        self.lab.rps(self.rps)
        self.dir.mkdir()
        self._call("ovsdb-tool", "create", self.dir / "conf.db",
                   "/usr/share/openvswitch/vswitch.ovsschema")
        self._daemon("ovsdb-server", self.dir / "conf.db", f"--remote=punix:{self.dir}/db.sock",
                     f"--unixctl={self.dir}/db.ctl")
        wait_until((self.dir / "db.sock").exists, 10, "the database answers")
        self._vsctl("--no-wait", "init")
        self._vsctl("--no-wait", "set", "Open_vSwitch", ".",
                    "other_config:dpdk-init=true",
                    f"other_config:pmd-cpu-mask={1 << FIREWALL_CPU:x}",
                    f"other_config:dpdk-lcore-mask={1 << SENDER_CPU:x}",
                    f"other_config:dpdk-extra=--no-pci --in-memory --no-telemetry -m {MEMORY_MB}")
        self._daemon(OVS_VSWITCHD, f"unix:{self.dir}/db.sock",
                     f"--unixctl={self.dir}/vswitchd.ctl", f"--log-file={self.dir}/vswitchd.log")
        wait_until((self.dir / "vswitchd.ctl").exists, 20, "ovs-vswitchd answers")
        self._vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
                    "fail-mode=secure")
        for i, devargs in enumerate(self.devargs):
            self._vsctl("add-port", "br0", f"p{i}", "--", "set", "Interface", f"p{i}", "type=dpdk",
                        f"options:dpdk-devargs={devargs}", f"ofport_request={i + 1}")
            error = self._vsctl("get", "Interface", f"p{i}", "error").strip()
            if error not in ("[]", '""'):
                raise LabError(f"OVS-DPDK: {devargs}: {error}")
        self.appctl("dpctl/ct-set-maxconns", SESSIONS)
        self._call("ovs-ofctl", "del-flows", self.dir / "br0.mgmt")
        self._call("ovs-ofctl", "add-flows", self.dir / "br0.mgmt", "-", input=self._flows())

    def _flows(self):
        if not self.conntrack:
            return self.PLAIN
        def leave(host, port, own, number):
            return (f"dec_ttl,mod_dl_src:{self.lab.mac('fw', own)},"
                    f"mod_dl_dst:{self.lab.mac(host, port)},output:{number}")
        return self.FLOWS.format(out=leave("dst", "d0", "f1", 2), back=leave("src", "s0", "f0", 1))

    def cycles(self, seconds=2):
        """=> cycles per packet of the polling thread over that time."""
        self.appctl("dpif-netdev/pmd-stats-clear")
        time.sleep(seconds)
        text = self.appctl("dpif-netdev/pmd-stats-show").split("main thread")[0]
        found = re.search(r"avg processing cycles per packet: ([\d.]+)", text)
        if found is None:
            raise LabError(f"OVS-DPDK: no cycles in {text}")
        return float(found.group(1))

    def warm(self, flows):
        """=> true when every connection is there and each had, on average, a hundred packets."""
        known = int(self.appctl("dpctl/ct-get-nconns")) if self.conntrack else flows
        text = self.appctl("dpif-netdev/pmd-stats-show").split("main thread")[0]
        return known >= flows and int(re.search(r"packets received: (\d+)", text)[1]) > 100 * flows

    def stop(self):
        for process in reversed(self.daemons):
            process.terminate()
            process.wait(20)


class Settings:
    """What the kernel shares between all namespaces, put back at the end."""

    def __init__(self):
        self.saved = []

    def set(self, path, value):
        try:
            before = path.read_text()
            path.write_text(str(value))
            self.saved.append((path, before))
        except OSError as e:
            print(f"peers: {path} stays as it is: {e.strerror}", file=sys.stderr)

    def restore(self):
        for path, before in reversed(self.saved):
            path.write_text(before)


def median(values):
    return sorted(values)[len(values) // 2]


def note(rows, peer, work, unit, values, **more):
    rows.append({"peer": peer, "work": work, "unit": unit, "min": min(values),
                 "median": median(values), "max": max(values), "runs": len(values), **more})
    sent = f", sent {more['sent']:.0f}" if "sent" in more else ""
    print(f"{peer:40} {work:36} {min(values):12.0f} {median(values):12.0f} {max(values):12.0f}  "
          f"{unit}{sent}", flush=True)


def measure(lab, peer, options, rows):
    """All figures of one peer, on cables of its own."""
    lab.up()
    try:
        peer.start()
        for flows in FLOWS:
            for how in ("once", "reverse", "once"):
                lab.send(flows, 30, how)
            done = [lab.rate(flows, options.seconds, "random")
                    for _ in range(options.runs)]
            note(rows, peer.name, f"established UDP, {flows} flows", "packets/s",
                 [d[0] for d in done], kind=peer.kind, sent=median([d[1] for d in done]))
        rates, first = [], 1000000
        for _ in range(options.runs):
            out, _, first = lab.rate(1, 1, "new", first)
            rates.append(out)
        note(rows, peer.name, "new UDP sessions", "sessions/s", rates, kind=peer.kind)
    finally:
        try:
            peer.stop()
        finally:
            lab.down()


def write_pcap(path, flows, reverse):
    """One packet of each flow in a random order, as the sender makes them."""
    order = list(range(flows))
    for i in range(flows - 1, 0, -1):  # the same order every time
        j = i * 2654435761 % (i + 1)
        order[i], order[j] = order[j], order[i]
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i in order:
            client = struct.pack("!I", 0x0a000000 + 256 + i)
            server, port = bytes((200, 1, 1, 10)), 1024 + i % 50000
            ends = (server, client, 53, port) if reverse else (client, server, port, 53)
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 46, 0, 0, 64, 17, 0, ends[0], ends[1])
            total = sum(struct.unpack("!10H", ip))
            total = (total & 0xffff) + (total >> 16)
            total = ~(total + (total >> 16)) & 0xffff
            ip = ip[:10] + struct.pack("!H", total) + ip[12:]
            frame = (bytes.fromhex("020000000001020000000909" + "0800") + ip
                     + struct.pack("!HHHH", ends[2], ends[3], 26, 0) + bytes(18))
            f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def in_process(lab, runs, rows):
    """Cycles per packet of OVS-DPDK, fed from memory: no kernel in the way."""
    for conntrack, flows in ((False, 1000), *((True, f) for f in FLOWS)):
        lab.up()
        files = [lab.dir / f"{i}.pcap" for i in (0, 1)]
        ovs = Ovs(lab, [f"eth_pcap{i},rx_pcap={f},infinite_rx=1" for i, f in enumerate(files)],
                  conntrack)
        try:
            for i, file in enumerate(files):
                write_pcap(file, flows, i == 1)
            ovs.start()
            wait_until(lambda: ovs.warm(flows), 60, "every connection is known")
            note(rows, "OVS-DPDK, in process",
                 f"established UDP, {flows} flows" if conntrack else "port to port, no conntrack",
                 "cycles/packet", [ovs.cycles(1) for _ in range(runs)], kind="OVS-DPDK")
        finally:
            try:
                ovs.stop()
            finally:
                lab.down()
    with_bench(runs, rows)


def with_bench(runs, rows):
    """The same of this firewall: scripts/bench's rows at these sizes, in this run."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run([ROOT / "build/tests/bench/bench", "--huge", "1024", "--only",
                        "established", "--runs", str(runs), "--max-sessions", str(max(FLOWS)),
                        "--json", file.name], check=True, stdout=subprocess.DEVNULL)
        bench = json.load(file)
    for row in bench["rows"]:
        if row["name"] == "established IPv4 UDP" and row["sessions"] in FLOWS:
            rows.append({"peer": "Twinwall, in process", "kind": "Twinwall",
                         "work": f"established UDP, {row['sessions']} flows",
                         "unit": "cycles/packet", "min": row["min"], "median": row["median"],
                         "max": row["max"], "runs": row["runs"]})
            print(f"{'Twinwall, in process':40} {rows[-1]['work']:36} {row['min']:12.0f} "
                  f"{row['median']:12.0f} {row['max']:12.0f}  cycles/packet")


def best(rows, kind, work, unit):
    """A peer's best variant: each is set up as well as we can."""
    medians = [r["median"] for r in rows
               if (r["kind"], r["work"], r["unit"]) == (kind, work, unit)]
    if not medians:
        return None
    return min(medians) if unit == "cycles/packet" else max(medians)


def ratios(rows):
    """Ours against each peer's best; above 1 is better. => rows."""
    result = []
    for unit, wanted in (("packets/s", {"nftables": 1}), ("sessions/s", {"nftables": 1}),
                         ("cycles/packet", {"OVS-DPDK": 2})):
        for work in sorted({r["work"] for r in rows if r["unit"] == unit}):
            ours = best(rows, "Twinwall", work, unit)
            for kind in ("nftables", "OVS-DPDK"):
                theirs = best(rows, kind, work, unit)
                if ours is None or not theirs:
                    continue
                ratio = theirs / ours if unit == "cycles/packet" else ours / theirs
                limit = wanted.get(kind)
                result.append({"peer": kind, "work": work, "unit": unit, "ratio": ratio,
                               "wanted": limit,
                               "reached": None if limit is None else ratio >= limit})
    return result


def needed(peers):
    """Programs that are missing, and the package that has them."""
    packages = {"nftables": "nftables", "ovs": "openvswitch-switch-dpdk"}
    have = {"nftables": shutil.which("nft"), "ovs": OVS_VSWITCHD.exists()}
    return [packages[p] for p in packages if p in peers and not have[p]]


def parse(argv):
    p = argparse.ArgumentParser(prog="bench --peers", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--peers", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--seconds", type=int, default=SECONDS, help="of each run")
    p.add_argument("--only", default="twinwall,xdp,nftables,ovs,process",
                   help="list of twinwall, xdp, nftables, ovs, process (in-process cycles)")
    p.add_argument("--arguments", default="",
                   help="more device arguments for our ports, such as ,qdisc_bypass=1")
    p.add_argument("--json", type=Path)
    return p.parse_args(argv)


def jobs(lab, only, options):
    both = (False, True)
    table = {"twinwall": [Twinwall(lab, "af_packet", options.arguments, r) for r in both],
             "xdp": [Twinwall(lab, "af_xdp", "", r) for r in both],
             "nftables": [Nftables(lab, r) for r in both],
             "ovs": [Ovs(lab, rps=r) for r in both]}
    return [peer for word, peers in table.items() if word in only for peer in peers]


def run(options):
    only = options.only.split(",")
    lab = Cables(f"pr{os.getpid() % 100000}")
    settings, rows = Settings(), []
    try:
        settings.set(HUGEPAGES, max(MEMORY_MB // 2 + 128, int(HUGEPAGES.read_text())))
        settings.set(CONNTRACK / "nf_conntrack_max", 2 * SESSIONS)
        settings.set(CONNTRACK / "nf_conntrack_buckets", SESSIONS // 4)
        for peer in jobs(lab, only, options):
            try:
                measure(lab, peer, options, rows)
            except (LabError, Timeout, subprocess.SubprocessError) as e:
                print(f"{peer.name}: left out: {e}", file=sys.stderr)
        if "process" in only:
            in_process(lab, options.runs, rows)
    finally:
        settings.restore()
    compared = ratios(rows)
    for r in compared:
        wanted = "" if r["wanted"] is None else \
            f"  >= {r['wanted']} {'ok' if r['reached'] else 'MISSED'}"
        print(f"ours to {r['peer']:12} {r['work']:36} {r['unit']:14} {r['ratio']:6.2f} x{wanted}")
    if options.json:
        options.json.write_text(json.dumps({"schema": SCHEMA, "rows": rows, "ratios": compared},
                                           indent=1) + "\n")
    return 0


def main(argv=None):
    options = parse(sys.argv[1:] if argv is None else argv)
    missing = needed(options.only.split(","))
    if missing:
        print(f"peers: missing: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 1
    if (os.cpu_count() or 1) < 2:
        print("peers: two CPUs are needed: the sender's and the firewall's", file=sys.stderr)
        return 1
    # Ended from outside: what was set for the machine is put back all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(options)
    except (LabError, Timeout, OSError, subprocess.SubprocessError) as e:
        print(f"peers: {e}", file=sys.stderr)
        return 1

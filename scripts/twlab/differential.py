# SPDX-License-Identifier: BSD-3-Clause
"""scripts/differential: generated packet lists through our engine and through the kernel's conntrack.

Each list is a conversation with its own addresses and ports.  Our engine runs in process on ring
ports; the kernel forwards between two interfaces of a namespace, conntrack strict
(nf_conntrack_tcp_loose=0, tcp_be_liberal=0), and an nftables rule drops `ct state invalid`.  The
verdicts are compared packet by packet; only the first difference of a list counts.  Kinds of
differences that docs/differential.md explains are counted, others fail the run.
"""
import argparse
import fnmatch
import os
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict

from .box import ROOT

PAGE = ROOT / "docs" / "differential.md"
PROGRAMS = ROOT / "build" / "tests" / "differential"
ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.M)
MACS = {"t": "02:00:00:00:01:01", "u": "02:00:00:00:01:02"}
RULES = """table ip differential {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state invalid drop
    ct state established,related accept
    iifname "t1" ct state new accept
  }
}
"""


class Machine:
    """Two namespaces: the kernel that is compared with, and the two ends of its interfaces."""

    def __init__(self):
        self.box, self.ends = (f"twdiff{os.getpid()}-{n}" for n in ("box", "ends"))

    def inside(self, namespace, *argv, **kwargs):
        return subprocess.run(["ip", "netns", "exec", namespace, *argv], check=True, text=True,
                              **kwargs)

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _build(self):
        for n in (self.box, self.ends):
            subprocess.run(["ip", "netns", "add", n], check=True)
            self.inside(n, "sh", "-c", "for i in all default; do "
                        "echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; "
                        "echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; done")
        lines = []
        for side, address in (("t", "10.1.1.2/24"), ("u", "200.1.1.2/24")):
            lines += [f"link add {side}1 address {MACS[side]} type veth peer name {side}0 "
                      f"netns {self.ends}", f"addr add {address} dev {side}1",
                      f"link set {side}1 up"]
        subprocess.run(["ip", "-n", self.box, "-batch", "-"], input="\n".join(lines) + "\n",
                       text=True, check=True)
        for port in ("t0", "u0"):
            subprocess.run(["ip", "-n", self.ends, "link", "set", port, "arp", "off", "up"],
                           check=True)
        for address, port in (("10.1.1.10", "t1"), ("10.1.1.11", "t1"), ("200.1.1.254", "u1")):
            subprocess.run(["ip", "-n", self.box, "neigh", "add", address, "lladdr",
                            "02:00:00:00:00:02", "nud", "permanent", "dev", port], check=True)
        subprocess.run(["ip", "-n", self.box, "route", "add", "default", "via", "200.1.1.254"],
                       check=True)
        self.inside(self.box, "nft", "-f", "-", input=RULES)
        self.inside(self.box, "sh", "-c",
                    "cd /proc/sys/net; echo 1 >ipv4/ip_forward; "
                    "echo 0 >netfilter/nf_conntrack_tcp_loose; "
                    "echo 0 >netfilter/nf_conntrack_tcp_be_liberal")

    def __exit__(self, *_):
        for n in (self.box, self.ends):
            subprocess.run(["ip", "netns", "del", n], check=False, stderr=subprocess.DEVNULL)

    def run(self, seed, first, count, verbose=False):
        """=> the lines of replay, split at their tabs."""
        lists = subprocess.Popen([PROGRAMS / "lists", str(seed), str(first), str(count)],
                                 stdout=subprocess.PIPE)
        try:
            done = self.inside(self.ends, str(PROGRAMS / "replay"), *(["-v"] if verbose else []),
                               "t0", MACS["t"], "u0", MACS["u"], stdin=lists.stdout,
                               stdout=subprocess.PIPE)
        finally:
            lists.stdout.close()
            lists.wait()
        if lists.returncode:
            raise subprocess.CalledProcessError(lists.returncode, "lists")
        return [line.split("\t") for line in done.stdout.splitlines()]


def explained():
    """=> [(pattern, why)] of docs/differential.md."""
    return ROW.findall(PAGE.read_text(encoding="utf-8"))


def fits(pattern, name):
    """`pattern`: three fields as in a kind, each of alternatives: "rst + 1 or rst - 1; *; ..."."""
    return all(any(fnmatch.fnmatchcase(have, wanted) for wanted in field.split(" or "))
               for have, field in zip(name.split("; "), pattern.split("; "), strict=True))


def kind(row):
    """A difference as docs/differential.md names it: who drops, why, in which state, what."""
    _list, _packet, kernel, reason, state, label = row
    we = "we pass, the kernel drops" if kernel == "drop" else f"we drop ({reason}), the kernel passes"
    return f"{label}; {state}; {we}"


def report(rows, packets, lists, seconds):
    """Print every kind. => number of differences that nothing explains."""
    counts, example = Counter(), {}
    for row in rows:
        counts[kind(row)] += 1
        example.setdefault(kind(row), f"list {row[0]}, packet {row[1]}")
    known, by_reason, unknown = explained(), defaultdict(list), 0
    for k, n in counts.most_common():
        why = next((p for p, _ in known if fits(p, k)), None)
        by_reason[why].append((k, n))
        unknown += n if why is None else 0
    for pattern, kinds in sorted(by_reason.items(), key=lambda e: (e[0] is not None, e[0])):
        print(f"{'NOT EXPLAINED' if pattern is None else 'explained by: ' + pattern}")
        for k, n in kinds:
            print(f"  {n:6} {k}   ({example[k]})")
    print(f"{lists} lists, {packets} packets, {seconds:.0f} s: {len(rows)} lists differ in "
          f"{len(counts)} kinds, {unknown} differences not explained")
    return unknown


def main(argv=None):
    p = argparse.ArgumentParser(prog="differential", description=__doc__.split("\n", 1)[0])
    p.add_argument("--lists", type=int, default=20000, help="how many (20000)")
    p.add_argument("--seed", type=int, default=1, help="other lists with another number (1)")
    p.add_argument("--show", type=int, metavar="LIST", help="print the packets of one list")
    options = p.parse_args(argv)
    if options.lists < 1 or options.seed < 0:
        p.error("expected at least one list and no negative seed")
    start = time.monotonic()
    with Machine() as machine:
        if options.show is not None:
            for row in machine.run(options.seed, options.show, 1, verbose=True)[:-1]:
                print(f"{row[1]:>3} {row[6]:62} {row[4]:12} kernel {row[2]}, we {row[3]:12} {row[5]}")
            return 0
        *rows, last = machine.run(options.seed, 0, options.lists)
    return 1 if report(rows, last[1], options.lists, time.monotonic() - start) else 0


if __name__ == "__main__":
    sys.exit(main())

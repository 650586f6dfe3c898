# SPDX-License-Identifier: BSD-3-Clause
"""scripts/faults --hogs: nothing is broken, the CPUs are just busy: no box may take that for a fault.

Four busy loops on each CPU, a reload of the configuration each second on both boxes, the usual
traffic; the observer on the switches' ports counts changes of the owner and time with two.  (Time
without an owner is not told: the prober waits for the CPU as well.)
"""
import json
import os
import subprocess
import time

from .fault_run import SAID, in_lab, make_pair, say
from .measure import Servers, Traffic
from .rounds import RATE
from .table import table
from . import watch

PER_CPU = 4
PART = 20  # seconds of traffic that are looked at together
COLUMNS = (("part", "seconds", "{}"), ("role_changes", "role changes", "{}"),
           ("two_owners_ms", "ms two owners", "{:.1f}"),
           ("lost", "packets lost", "{}"), ("gap_ms", "longest gap ms", "{:.1f}"),
           ("kept", "connections kept", "{}"), ("reloads", "reloads", "{}"))


class Hogs:
    """Busy loops, PER_CPU on each CPU that this process may use."""

    def __enter__(self):
        self.loops = [subprocess.Popen(["taskset", "-c", str(cpu), "sh", "-c", "while :; do :; done"])
                      for cpu in sorted(os.sched_getaffinity(0)) for _ in range(PER_CPU)]
        return self

    def __exit__(self, *_):
        for loop in self.loops:
            loop.kill()
        for loop in self.loops:
            loop.wait()


def reload(pair):
    for box in pair:
        code, answer = box.command("reload", timeout=30)
        if code != 0:
            raise AssertionError(f"{box.name}: reload: {answer}")


def part(lab, pair, seconds):
    """=> what the observer and the ends saw."""
    done = 0
    with Traffic(lab, connections=20, download_rate=RATE,
                 download_bytes=int(RATE * seconds)) as traffic:
        began, due = time.time_ns(), time.monotonic()
        end = due + seconds
        while due < end:
            reload(pair)
            done += 1
            due = max(due + 1, time.monotonic())
            traffic.flow(due - time.monotonic())
        ended = time.time_ns()
        report = traffic.finish()
    return {"lost": report["probe"]["lost"], "gap_ms": report["probe"]["gap_ms"], "reloads": done,
            "kept": f"{report['flows']['kept']} of {report['flows']['total']}",
            **{k: v for k, v in watch.owners(report["events"], began, ended).items()
               if k != "no_owner_ms"}}


def main(options):
    """=> 1 if a box took the load for a fault."""
    rows, said = [], []

    def work(lab):
        pair = make_pair(lab, options.hello_ms)
        pair.start()
        servers = Servers(lab)
        try:
            pair.whole()
            logs = {box: len(box.log()) for box in pair}
            with Hogs() as hogs:
                say(f"{len(hogs.loops)} busy loops, hellos of {options.hello_ms} ms")
                for at in range(0, options.hogs * 60, PART):
                    rows.append({"part": f"{at}-{at + PART}", **part(lab, pair, PART)})
                    say(", ".join(f"{k} {v}" for k, v in rows[-1].items()))
            said.extend(f"{box.name}: {line}" for box in pair
                        for line in box.log()[logs[box]:].splitlines() if SAID.search(line))
        finally:
            servers.close()
            pair.end()
    try:
        in_lab(options.prefix, work)
    finally:
        print(table(rows, COLUMNS, ("part", "kept")))
        if options.json:
            options.json.write_text(json.dumps(
                {"schema": 1, "hello_ms": options.hello_ms, "hogs_per_cpu": PER_CPU,
                 "parts": rows}, indent=1) + "\n")
    changes = sum(r["role_changes"] for r in rows)
    two = max((r["two_owners_ms"] for r in rows), default=0)
    switched = sum("group " in line for line in said)  # between two parts nobody observes
    for line in said:
        print(line)
    print(f"{options.hogs} minutes: {changes} role changes seen, {switched} told, {two:.1f} ms with two "
          "owners at most")
    return 1 if changes or switched or two or len(rows) * PART < options.hogs * 60 else 0

# SPDX-License-Identifier: BSD-3-Clause
"""scripts/faults: break the pair in every way of the list, under traffic, and look what it costs."""
import argparse
import json
import random
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from . import faults
from .config import add_second_heartbeat
from .measure import Servers
from .netns import Lab, LabError
from .rounds import WholePair
from .table import table
from .tool import ToolError
from .wait import Timeout

PREFIX = "twfault"
HELLO_MS = 100
FIGURES_ROUNDS = 20
SAID = re.compile(r"group \w+: |roles: |between two turns|another master")
SAID_LINES = 12
MESSAGE = 300  # of an error, not a box's whole log
BROKEN = (LabError, ToolError, Timeout, AssertionError, subprocess.SubprocessError, OSError,
          KeyError)
FIGURES = ("lost", "gap_ms", "no_owner_ms", "two_owners_ms", "role_changes")
EPILOG = """
faults: X05 is the number with all its variants, X05-1s is one of them; without any: all of them.
Each is made under a download, 20 connections and a 1 kHz probe; an observer on the switches' ports
notes who acts as the owner of the virtual addresses.  FAILED: a bound of the list does not hold.
limit: its bound is known not to hold yet, the figures are shown; it does not count as passed.  The
exit code is 1 only with a FAILED one.
"""
COLUMNS = (
    ("fault", "fault", "{}"),
    ("rounds", "rounds", "{}"),
    ("lost", "packets lost", "{}"),
    ("gap_ms", "longest gap ms", "{}"),
    ("no_owner_ms", "ms no owner", "{}"),
    ("two_owners_ms", "ms two owners", "{}"),
    ("role_changes", "role changes", "{}"),
    ("verdict", "verdict", "{}"),
    ("text", "what is broken", "{}"),
)
WORDS = ("fault", "verdict", "text")


def say(text):
    print(f"faults: {text}", file=sys.stderr, flush=True)


def make_pair(lab, hello_ms):
    """A pair with two heartbeat cables, not started."""
    lab.second_heartbeat()
    pair = WholePair(lab, hello_ms)
    pair.configure(add_second_heartbeat)
    return pair


def one_round(fault, pair, rng):
    """Make a fault once. => its row; never raises what a fault can bring about."""
    row = {"fault": fault.key, "active": None, "wrong": []}
    start = time.monotonic()
    logs = {box: len(box.log()) for box in pair}
    try:
        r = fault.round(pair, rng=rng)
        row.update(r.row, active=r.old.name, wrong=r.wrong)
        for box in pair:
            if box.answering():
                box.wait_accounted()
    except BROKEN as e:
        row["wrong"] = [*row["wrong"], f"{type(e).__name__}: {str(e)[:MESSAGE]}"]
    row["seconds"] = time.monotonic() - start
    if row["wrong"]:
        row["said"] = [f"{box.name}: {line}" for box in pair
                       for line in box.log()[logs[box]:].splitlines() if SAID.search(line)]
    row["verdict"] = "ok" if not row["wrong"] else "limit" if fault.limit else "FAILED"
    return row


def mend(pair):
    """Behind a fault that has left the pair in pieces: both boxes anew."""
    try:
        pair.whole(None)
    except BROKEN as e:
        say(f"the pair does not form again, both boxes are started anew: {str(e).splitlines()[0]}")
        pair.breaks.clear()
        pair.end()
        pair.whole(None)


def run(lab, pair, plan, rng, rows):
    """All faults of the plan, one after the other; each adds its row."""
    servers = Servers(lab)
    try:
        for number, fault in enumerate(plan, 1):
            row = one_round(fault, pair, rng)
            rows.append(row)
            figures = (f"lost {row['lost']}, gap {row['gap_ms']:.1f} ms, {row['role_changes']} role "
                       f"changes, two owners {row['two_owners_ms']:.1f} ms: "
                       if "lost" in row else "")
            say(f"{number}/{len(plan)} {fault.key}: {figures}{row['verdict']} "
                f"({row['seconds']:.1f} s)")
            for reason in [*row["wrong"], *row.get("said", [])[-SAID_LINES:]]:
                say(f"    {reason}")
            if row["wrong"]:
                mend(pair)
    finally:
        servers.close()


def worst_and_median(values):
    def short(v):
        return f"{v:.1f}".removesuffix(".0")
    return f"{short(statistics.median(values))} / {short(max(values))}" if values else None


def summary(rows, listed):
    """A line for each fault: median and worst of its rounds."""
    lines = []
    for fault in listed:
        of_fault = [r for r in rows if r["fault"] == fault.key]
        line = {"fault": fault.key, "text": fault.text, "rounds": len(of_fault) or None,
                "verdict": "not run", "failed": sum(bool(r["wrong"]) for r in of_fault)}
        if of_fault:
            words = {r["verdict"] for r in of_fault}
            line["verdict"] = next(w for w in ("FAILED", "limit", "ok") if w in words)
            if line["verdict"] == "limit":
                line["text"] += f" ({fault.limit})"
            for name in FIGURES:
                line[name] = worst_and_median([r[name] for r in of_fault if name in r])
        lines.append(line)
    return lines


def listing():
    for f in faults.TABLE.values():
        note = f" [limit: {f.limit}]" if f.limit else ""
        print(f"{f.key:11} {f.text}{note}")


def planned(options, rng):
    """=> (faults to be listed, faults in the order in which they are made)."""
    listed = faults.chosen(options.faults)
    if options.random:
        can = [f for f in listed if f in faults.RANDOM or options.faults]
        return can, rng.choices(can, k=options.random)
    return listed, listed * options.rounds


def parse(argv):
    p = argparse.ArgumentParser(prog="faults", description=__doc__.split(": ", 1)[1],
                                epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("faults", nargs="*", metavar="FAULT", help="X01, X05-1s, ...")
    p.add_argument("--list", action="store_true", help="name them all and end")
    p.add_argument("--rounds", type=int, help="times each is made "
                   "(--figures: 20)")
    p.add_argument("--random", type=int, metavar="N", help="N of them in random order, quick ones "
                   "only unless they are named")
    p.add_argument("--seed", type=int, help="of the order and of the phases (printed)")
    p.add_argument("--hello-ms", type=int, default=HELLO_MS, help="hello interval of the pair")
    p.add_argument("--figures", action="store_true", help="instead: a killed box, a pulled cable and "
                   "a planned stop, 20 times each, beside keepalived on the same lab")
    p.add_argument("--hogs", type=int, metavar="MINUTES", help="instead: nothing is broken, but the "
                   "CPUs are busy and the configuration is loaded again each second")
    p.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    p.add_argument("--prefix", default=PREFIX, help="name of the lab")
    options = p.parse_args(argv)
    if options.rounds is None:
        options.rounds = FIGURES_ROUNDS if options.figures else 1
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**6)
    return options


def interrupted(signum, _frame):
    raise KeyboardInterrupt(signal.Signals(signum).name)


def in_lab(prefix, work):
    """work(lab) in a lab of its own, which is removed whatever happens."""
    lab = Lab(prefix)
    lab.lock()
    try:
        lab.down()
        lab.up()
        work(lab)
    finally:
        # A second Ctrl-C must not leave half a lab behind.
        before = {s: signal.signal(s, signal.SIG_IGN)
                  for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        lab.down()
        lab.unlock()
        for s, handler in before.items():  # of another lab, which comes next
            signal.signal(s, handler)


def report(options, rows, listed, error):
    lines = summary(rows, listed)
    print(table(lines, COLUMNS, WORDS))
    print("figures are median / worst of the rounds")
    for row in rows:
        for reason in row["wrong"] if row["verdict"] == "FAILED" else ():
            print(f"FAILED {row['fault']}: {reason}")
    good = sum(line["verdict"] == "ok" for line in lines)
    bad = sum(line["verdict"] == "FAILED" for line in lines)
    print(f"seed {options.seed}: {good} of {len(lines)} faults passed, {bad} failed, "
          f"{len(lines) - good - bad} limit or not run")
    if options.json:
        options.json.write_text(json.dumps(
            {"schema": 1, "hello_ms": options.hello_ms, "seed": options.seed, "rounds": rows,
             "faults": lines, "error": error}, indent=1) + "\n")
    return bad


def break_all(options, listed, plan, rng):
    """=> exit code."""
    rows = []

    def work(lab):
        pair = make_pair(lab, options.hello_ms)
        say(f"seed {options.seed}, {len(plan)} rounds; starting the pair in lab '{lab.prefix}'")
        pair.start()
        run(lab, pair, plan, rng, rows)
    error = None
    try:
        in_lab(options.prefix, work)
    except KeyboardInterrupt:
        error = "interrupted, the lab is removed"
        raise
    except BROKEN as e:
        error = str(e)
        print(f"faults: {error}", file=sys.stderr)
    finally:
        bad = report(options, rows, listed, error) if rows else 0
    return 1 if bad or error or not rows else 0


def main(argv=None):
    options = parse(argv)
    if options.list:
        listing()
        return 0
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, interrupted)
    try:
        if options.hogs:
            from . import fault_hogs
            return fault_hogs.main(options)
        if options.figures:
            from . import fault_figures
            return fault_figures.main(options)
        rng = random.Random(options.seed)
        listed, plan = planned(options, rng)
        return break_all(options, listed, plan, rng)
    except faults.Unknown as e:
        print(f"faults: there is no fault {e}: see faults --list", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("faults: interrupted, the lab is removed", file=sys.stderr)
        return 130
    except BROKEN as e:
        print(f"faults: {e}", file=sys.stderr)
        return 1

# SPDX-License-Identifier: BSD-3-Clause
"""scripts/model: spin over tests/model/vgmp.pml, with the table of ha/vgmp.c as it is."""
import argparse
import os
import re
import shutil
import subprocess
import sys

from .box import ROOT

BUILD = ROOT / "build"
TABLE = "tests/unit/ha/vgmp_table"
WORK = BUILD / "spin"
EXACT = ["-DCOLLAPSE", "-DMEMLIM=1800"]
BITS = ["-DBITSTATE"]  # two bits a state: some may be taken for others

# (preempt, faults at any time and in any order, exact): repairs come on top of the faults.
SEARCHES = ((1, 2, True), (0, 1, True))
LONG_SEARCHES = ((1, 2, True), (0, 2, True), (1, 3, False), (0, 3, False))

# The claim that an assertion of the model belongs to, by what it is about.
CLAIMS = (("excused", "OWNERS"), ("stale", "BURST"), ("changes", "CHANGES"), ("fair", "SYNC"),
          ("", "REST"))

MUTANTS = (  # in the order of the model: name, claim that finds it, faults it takes
    ("an Active group takes over without listening", "OWNERS", 1),
    ("a standby does not notice a dead peer", "REST", 1),
    ("of two active ones none yields", "OWNERS", 1),
    ("agrees to a preempting peer and stays", "OWNERS", 1),
    ("a hand-over that is not answered never ends", "REST", 2),
    ("a box that has been silent goes on", "REST", 1),
    ("the lease is an interval too long", "OWNERS", 1),
    ("of two active ones the wrong one yields", "REST", 1),
    ("what comes late counts", "OWNERS", 2),
    ("preempts before it has the sessions", "SYNC", 1),
    ("whoever asks is called the better one", "CHANGES", 1),
    ("workers do not look at the lease", "BURST", 1),
    ("who was told \"not Active\" gets no time", "OWNERS", 2),
)


def run(argv, **kwargs):
    return subprocess.run([str(a) for a in argv], cwd=WORK, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **kwargs)


def compile_pan(name, options):
    return ["gcc", "-O2", "-DSAFETY", "-DNOFAIR", "-DVECTORSZ=512", *options, "-o", name, "pan.c"]


def build(long):
    """=> None, or what went wrong."""
    for argv in ([ROOT / "scripts" / "build"], ["/usr/bin/ninja", "-C", BUILD, TABLE]):
        if subprocess.run(argv, stdout=sys.stderr, check=False).returncode:
            return "does not build"
    WORK.mkdir(exist_ok=True)
    table = run([BUILD / TABLE, "--promela"])
    (WORK / "vgmp_table.h").write_text(table.stdout, encoding="ascii")
    shutil.copy(ROOT / "tests" / "model" / "vgmp.pml", WORK)
    for argv in (["spin", "-a", "vgmp.pml"], compile_pan("pan", EXACT),
                 *([compile_pan("pan-bits", BITS)] if long else [])):
        done = run(argv)
        if done.returncode:
            return f"{argv[0]}: {done.stdout[-2000:]}"
    return None


def search(preempt=1, faults=1, mutant=0, exact=True):
    """=> (claim that does not hold or None, states, complete, pan's text)"""
    env = {**os.environ, "PREEMPT": str(preempt), "FAULTS": str(faults), "MUTANT": str(mutant)}
    argv = ["./pan", "-m400000", "-w25"] if exact else ["./pan-bits", "-m400000", "-w33"]
    text = run(argv, env=env).stdout
    states = re.search(r"^\s*([\d.e+]+) states, stored", text, re.M)
    broken = re.search(r"assertion violated (.*)\(at depth", text)
    complete = "errors: 0" in text and not re.search(r"depth too small|of memory|not completed", text)
    claim = next(name for word, name in CLAIMS if word in broken.group(1)) if broken else None
    return claim, states.group(1) if states else "0", complete, text


def main(argv=None):
    p = argparse.ArgumentParser(prog="model", description=__doc__)
    p.add_argument("--long", action="store_true", help="one fault more, some minutes")
    options = p.parse_args(argv)
    wrong = build(options.long)
    if wrong:
        print(f"model: {wrong}", file=sys.stderr)
        return 1
    searches = LONG_SEARCHES if options.long else SEARCHES
    mutants = [(n, *m) for n, m in enumerate(MUTANTS, 1) if options.long or m[2] == 1]
    print(f"1..{len(searches) + len(mutants)}")
    failed = 0
    for number, (preempt, faults, exact) in enumerate(searches, 1):
        claim, states, complete, text = search(preempt, faults, 0, exact)
        good = claim is None and complete
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} every claim holds: preempt {('off', 'on')[preempt]}, "
              f"{faults} faults ({states} states{'' if exact else ', two bits each'}"
              f"{'' if good else ', ' + (claim or 'not complete')})", flush=True)
        if not good:
            print(text[-3000:], file=sys.stderr)
    for number, (mutant, name, wanted, faults) in enumerate(mutants, len(searches) + 1):
        claim, states, _, _ = search(1, faults, mutant)
        failed += claim != wanted
        print(f"{'ok' if claim == wanted else 'not ok'} {number} found: {name} "
              f"({claim or 'nothing'}, after {states} states)", flush=True)
    return 1 if failed else 0

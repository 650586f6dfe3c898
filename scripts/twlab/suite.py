# SPDX-License-Identifier: BSD-3-Clause
"""scripts/test: every level of tests, one line of result each, and 'N passed, N failed' at the end.

    lint       the rules of the house
    sanitized  unit, flow (traced) and pair tests, clang, AddressSanitizer and UndefinedBehaviorSanitizer
    fuzz       every fuzz target for 30 seconds, the same build, libFuzzer
    release    the same tests, flows not traced, gcc, the build that operators run
    model      two boxes and their faults, every order, as spin sees them (scripts/model)
    system     real daemons in namespaces (pytest), release build

A case is one cmocka or TAP case, one pytest case, or (lint) one rule-abiding tree.  A test program
that crashes counts as one failed case on top of the cases that had passed before.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

from . import fuzz, lint
from .box import ROOT
from .tool import PYTHON

SCRIPTS = ROOT / "scripts"
LEVELS = ("lint", "sanitized", "fuzz", "release", "model", "system")
FUZZ_SECONDS = 30
BUILDS = {  # (folder, environment, meson's options)
    "sanitized": (fuzz.TESTS, fuzz.COMPILER, fuzz.BUILDS[fuzz.TESTS]),
    "release": ("build", {"CC": "gcc"}, []),
}
# What the other compiler need not repeat.
# A flow that is traced takes every step of one that is not, and those of the trace.
LEFT_OUT = {"sanitized": ["--no-suite", "untraced"], "release": ["--no-suite", "traced"]}
# Five minutes of a pair's random life in the build that operators run.
SETTINGS = {"sanitized": {"TWINWALL_SOAK_S": "100"}, "release": {}}
SLOW = {"sanitized": 3, "release": 1}  # times the patience with a program that does not end
COUNTED = (  # (passed, failed): the lines test programs print for a case
    (re.compile(r"^\[\s+OK \] (\S+)", re.M), re.compile(r"^\[\s+(?:FAILED|ERROR)\s+\] (\w+)$", re.M)),
    (re.compile(r"^ok \d+ (?!.*# SKIP)(.*)$", re.M), re.compile(r"^not ok \d+ (.*)$", re.M)),
)


def say(text):
    print(f"test: {text}", file=sys.stderr, flush=True)


class Count:
    """Cases of one level."""

    def __init__(self):
        self.passed, self.failed, self.names = 0, 0, []

    def add(self, passed, failed_names):
        self.passed += passed
        self.failed += len(failed_names)
        self.names += failed_names


def count_test(entry):
    """One program of meson's test log. => (cases passed, names of the failed ones)."""
    text = entry.get("stdout") or ""
    both = text + "\n" + (entry.get("stderr") or "")
    passed, failed = 0, []
    for good, bad in COUNTED:
        passed += len(good.findall(text))
        failed += [n for n in dict.fromkeys(bad.findall(both)) if n != "tests"]
    name = entry["name"]
    failed = [f"{name}: {case}" for case in failed]
    if entry["result"] in ("OK", "EXPECTEDFAIL"):
        return (passed or 1), failed
    if entry["result"] == "SKIP":
        return 0, []
    return passed, failed or [f"{name}: {entry['result']} (exit code {entry['returncode']})"]


def run(argv, **kwargs):
    """Run with output to stderr, so that our result stays readable. => exit code."""
    return subprocess.run([str(a) for a in argv], stdout=sys.stderr, check=False, **kwargs).returncode


def build(folder, compiler, options):
    return run([SCRIPTS / "build", folder, *options], env={**os.environ, **compiler}) == 0


def lint_level(_options):
    count = Count()
    files, complaints = lint.run()
    for line in complaints:
        say(line)
    count.add(0 if complaints else 1, [f"lint: {len(complaints)} complaints in {files} files"]
              if complaints else [])
    return count


def meson_level(level):
    folder, compiler, options = BUILDS[level]
    count = Count()
    say(f"{level}: building {folder}/ with {compiler['CC']}")
    if not build(folder, compiler, options):
        count.add(0, [f"{level}: does not build"])
        return count
    log = ROOT / folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    env = {**SETTINGS[level], **os.environ, "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
           "PATH": "/usr/bin:/bin:" + os.environ["PATH"]}
    code = run(["meson", "test", "-C", ROOT / folder, "--no-rebuild", "--print-errorlogs",
                "--timeout-multiplier", SLOW[level], *LEFT_OUT[level]], env=env)
    entries = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    for entry in entries:
        passed, failed = count_test(entry)
        count.add(passed, [f"{level}: {f}" for f in failed])
    if code != 0 and count.failed == 0:
        count.add(0, [f"{level}: meson test ended with {code}"])
    return count


def fuzz_level(_options):
    count = Count()
    say(f"fuzz: building {fuzz.TESTS}/ with clang")
    if not fuzz.build(fuzz.TESTS):
        count.add(0, ["fuzz: does not build"])
        return count
    for target, wrong in fuzz.run(fuzz.TESTS, fuzz.targets(), FUZZ_SECONDS).items():
        count.add(*((0, [f"fuzz: {target} {wrong}"]) if wrong else (1, [])))
    return count


def model_level(_options):
    count = Count()
    say("model: spin")
    done = subprocess.run([SCRIPTS / "model"], stdout=subprocess.PIPE, stderr=sys.stderr, text=True,
                          check=False)
    good, bad = COUNTED[1]
    say(done.stdout.rstrip())
    failed = [f"model: {name}" for name in bad.findall(done.stdout)]
    if done.returncode and not failed:
        failed = [f"model: ended with {done.returncode}"]
    count.add(len(good.findall(done.stdout)), failed)
    return count


def system_level(options):
    count = Count()
    say("system: building build/")
    if run([SCRIPTS / "build"]):
        count.add(0, ["system: does not build"])
        return count
    report = ROOT / "build" / "system.xml"
    report.unlink(missing_ok=True)
    argv = [PYTHON, "-B", "-m", "pytest", "-v", "--tb=short", "-p", "no:cacheprovider",
            f"--junitxml={report}", ROOT / "tests" / "system"]
    if options.k:
        argv += ["-k", options.k]
    if options.long:
        argv += ["--long"]
    code = run(argv, cwd=ROOT)
    if not report.exists():
        count.add(0, [f"system: pytest ended with {code}"])
        return count
    for case in xml.parse(report).iter("testcase"):
        name = f"system: {case.get('classname')}::{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            count.add(0, [name])
        elif case.find("skipped") is None:
            count.add(1, [])
    if code not in (0, 1) and not count.failed:
        count.add(0, [f"system: pytest ended with {code}"])
    return count


def run_level(level, options):
    if level == "lint":
        return lint_level(options)
    if level == "fuzz":
        return fuzz_level(options)
    if level == "model":
        return model_level(options)
    if level == "system":
        return system_level(options)
    return meson_level(level)


def parse(argv):
    p = argparse.ArgumentParser(prog="test", description=__doc__.split("\n", 1)[0])
    p.add_argument("--only", action="append", choices=LEVELS, help="this level (repeatable)")
    p.add_argument("-k", metavar="EXPRESSION", help="system: only cases pytest -k selects")
    p.add_argument("--long", action="store_true", help="system: the slow cases as well")
    return p.parse_args(argv)


def main(argv=None):
    options = parse(argv)
    # pytest's own clean-up must run before ours ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    total = Count()
    lines = []
    for level in options.only or LEVELS:
        start = time.monotonic()
        try:
            count = run_level(level, options)
        except (OSError, subprocess.SubprocessError, ValueError, xml.ParseError) as e:
            count = Count()
            count.add(0, [f"{level}: {e}"])
        total.passed += count.passed
        total.failed += count.failed
        total.names += count.names
        lines.append(f"{level:10} {count.passed:5} passed {count.failed:5} failed "
                     f"{time.monotonic() - start:6.0f} s")
        say(lines[-1])
    for name in total.names:
        print(f"FAILED {name}")
    print("\n".join(lines))
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0

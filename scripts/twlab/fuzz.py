# SPDX-License-Identifier: BSD-3-Clause
"""scripts/fuzz: builds the fuzz targets and lets them run side by side."""
import argparse
import os
import re
import subprocess
import sys

from .box import ROOT

COMPILER = {"CC": "clang", "CC_LD": "lld"}  # a program with sanitizers is linked in a fifth of the time
SEEDS = ROOT / "tests" / "fuzz" / "corpus"
# With -O2 the same compiler needs almost three times as long for instrumented code.
SANITIZED = ["-Dchecks=true", "-Dfuzz=true", "-Dbuildtype=debugoptimized", "-Doptimization=1",
             "-Db_sanitize=address,undefined", "-Db_lundef=false"]
# Which values are compared tells libFuzzer what to try next, and makes every test two to three times
# slower: the build of the sanitized tests only counts which edges were reached.
BUILDS = {
    "build-fuzz": [*SANITIZED, "-Dc_args=-fsanitize=fuzzer-no-link"],
    "build-asan": [*SANITIZED,
                   "-Dc_args=-fsanitize-coverage=inline-8bit-counters,indirect-calls,pc-table"],
}
OWN, TESTS = BUILDS  # that of scripts/fuzz, that of the sanitized tests
RUNS = re.compile(r"^#(\d+)\s+DONE\s+cov: (\d+)", re.M)


def targets():
    return sorted(p.stem.removeprefix("fuzz_") for p in (ROOT / "tests" / "fuzz").glob("fuzz_*.c"))


def build(folder):
    return subprocess.run([ROOT / "scripts" / "build", folder + ":fuzzers", *BUILDS[folder]],
                          env={**os.environ, **COMPILER},
                          stdout=sys.stderr, check=False).returncode == 0


def start(folder, target, seconds):
    """=> (process, its log)"""
    found, seeds = folder / "found" / target, SEEDS / target
    broken = folder / "broken"
    found.mkdir(parents=True, exist_ok=True)
    broken.mkdir(exist_ok=True)
    log = folder / f"fuzz_{target}.log"
    argv = [folder / "tests" / "fuzz" / f"fuzz_{target}", found,
            *([seeds] if seeds.is_dir() else []), f"-max_total_time={seconds}", "-timeout=20",
            "-rss_limit_mb=3072", "-max_len=1600", "-len_control=0",
            f"-artifact_prefix={broken}/{target}-"]
    # The engine's memory is DPDK's, where the leak checker does not look; the targets count buffers.
    env = {**os.environ, "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
           "ASAN_OPTIONS": "detect_leaks=0"}
    with open(log, "w", encoding="utf-8") as out:
        return subprocess.Popen([str(a) for a in argv], stdout=out, stderr=out, env=env), log


def run(folder, names, seconds):
    """=> {target: None, or what went wrong}; one line each on stdout."""
    results = {}
    running = [(name, *start(ROOT / folder, name, seconds)) for name in names]
    for name, process, log in running:
        code = process.wait()
        text = log.read_text(encoding="utf-8", errors="replace")
        done = RUNS.search(text)
        if code == 0 and done:
            results[name] = None
            print(f"fuzz {name}: {done.group(1)} inputs, {done.group(2)} edges, nothing found")
        else:
            results[name] = f"ended with {code}: see {log.relative_to(ROOT)}"
            print(f"fuzz {name}: {results[name]}")
            print(text[-4000:], file=sys.stderr)
    return results


def main(argv=None):
    p = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    p.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    p.add_argument("target", nargs="*", help=", ".join(targets()))
    options = p.parse_args(argv)
    unknown = set(options.target) - set(targets())
    if unknown or options.seconds < 1:
        p.error(f"expected at least a second, and targets of {', '.join(targets())}")
    if not build(OWN):
        return 1
    return 1 if any(run(OWN, options.target or targets(), options.seconds).values()) else 0

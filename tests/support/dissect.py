# SPDX-License-Identifier: BSD-3-Clause
"""dissect.py WIRE_SAMPLES LUA: does the dissector find in a capture what the program has put there?"""
import subprocess
import sys
import tempfile
from pathlib import Path


def tshark(capture, lua, *more):
    done = subprocess.run(["tshark", "-n", "-X", f"lua_script:{lua}", "-r", str(capture), *more],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"tshark ends with {done.returncode}: {done.stderr}")
    return done.stdout


def main(program, lua):
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "wire.pcap"
        text = subprocess.run([program, capture], stdout=subprocess.PIPE, text=True,
                              check=True).stdout
        wanted = [line.split("\t") for line in text.splitlines()]
        fields = sorted({field for _, field, _ in wanted})
        argv = ["-T", "fields", "-E", "separator=|", "-E", "occurrence=a", "-E", "aggregator=,"]
        for field in fields:
            argv += ["-e", field]
        rows = [dict(zip(fields, line.split("|")))
                for line in tshark(capture, lua, *argv).splitlines()]
        tree = tshark(capture, lua, "-V")
    wrong = [f"frame {frame}: {field} is {rows[int(frame) - 1][field]!r}, expected {value!r}"
             for frame, field, value in wanted if rows[int(frame) - 1][field] != value]
    wrong += [line for line in tree.splitlines()
              if any(word in line for word in ("Lua Error", "Malformed", "Shorter than"))]
    if len(rows) < 20 or len(wanted) < 200:
        wrong.append(f"{len(rows)} frames, {len(wanted)} values only")
    print("\n".join(wrong) or f"{len(rows)} frames, {len(wanted)} values")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

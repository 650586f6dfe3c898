# SPDX-License-Identifier: BSD-3-Clause
"""scripts/lab: build, show and remove the lab."""
import argparse
import os
import subprocess
import sys

from .box import Pair, program
from .netns import Lab, LabError
from .topology import BOX_ADDRESS, CLIENT, HOSTS, INTERFACE, SERVER, SWITCH, VIPS
from .wait import Timeout

EPILOG = """
hosts: cli srv fw1 fw2 sw (the switches).  Examples:
  lab up --start --hello-ms 100   the lab with a running pair
  lab shell cli                   a shell on the client: ping 200.1.1.10
  lab console fw1                 the console of a box
"""


def parse(argv):
    p = argparse.ArgumentParser(prog="lab", description=__doc__.split(": ", 1)[1], epilog=EPILOG,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--prefix", default="tw", help="name of the lab, for several side by side")
    verbs = p.add_subparsers(dest="verb", required=True, metavar="up|down|status|shell|console")
    up = verbs.add_parser("up", help="build it")
    up.add_argument("--start", action="store_true", help="start both boxes as well")
    up.add_argument("--hello-ms", type=int, default=1000, help="hello interval of the pair")
    verbs.add_parser("down", help="remove it, with everything that runs in it")
    verbs.add_parser("status", help="boxes, roles, addresses")
    shell = verbs.add_parser("shell", help="a shell, or one command, on a host")
    shell.add_argument("host", choices=(*HOSTS, SWITCH))
    shell.add_argument("command", nargs=argparse.REMAINDER)
    console = verbs.add_parser("console", help="the console of a box")
    console.add_argument("host", choices=tuple(BOX_ADDRESS))
    console.add_argument("command", nargs=argparse.REMAINDER)
    for verb in verbs.choices.values():
        verb.add_argument("--prefix", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return p.parse_args(argv)


def up(lab, options):
    print(f"lab '{lab.prefix}' {'is up' if lab.up() else 'was up already'}")
    if options.start:
        pair = Pair(lab, options.hello_ms)
        running = [b.name for b in pair if b.pid is not None]
        if running:
            print(f"{' and '.join(running)} run already; `lab down` first to start afresh")
        else:
            pair.start()
    return status(lab, options)


def down(lab, _options):
    lab.down()
    print(f"lab '{lab.prefix}' is down")


def status(lab, _options):
    if not lab.exists():
        print(f"lab '{lab.prefix}' is down")
        return 1
    pair = Pair(lab)
    for box in pair:
        a = BOX_ADDRESS[box.host]
        pid = box.pid
        state = f"pid {pid}, {box.role() or 'no answer'}" if pid else "not running"
        print(f"{box.host:4} {lab.ns(box.host):12} {a['in']:10} {a['out']:12} heartbeat "
              f"{a['hb']:10} {state}")
        if pid:
            print(f"     console {box.config['system']['console_socket']}, log {box.log_path}")
    print(f"cli  {lab.ns('cli'):12} {CLIENT} gateway {VIPS['in'].address}")
    print(f"srv  {lab.ns('srv'):12} {SERVER} gateway {VIPS['out'].address}")
    print(f"{SWITCH:4} {lab.ns(SWITCH):12} br-in br-out; ports in-fw1, out-fw2, ...; interfaces in "
          f"the boxes: in0 {INTERFACE['in']}, hb0 {INTERFACE['hb']}, out0 {INTERFACE['out']}")
    return 0


def need_up(lab):
    if not lab.exists():
        raise LabError(f"lab '{lab.prefix}' is down: scripts/lab up")


def shell(lab, options):
    need_up(lab)
    command = options.command or [os.environ.get("SHELL", "/bin/bash")]
    argv = lab.argv(options.host, command)
    env = {**os.environ, "PS1": f"{lab.ns(options.host)}# "}
    os.execvpe(argv[0], argv, env)


def console(lab, options):
    need_up(lab)
    socket = Pair(lab).boxes[options.host].config["system"]["console_socket"]
    argv = [program("twinctl"), "-s", socket]
    if options.command:
        argv += ["-c", " ".join(options.command)]
    os.execv(argv[0], argv)


def main(argv=None):
    options = parse(argv)
    try:
        lab = Lab(options.prefix)
        return globals()[options.verb](lab, options) or 0
    except (LabError, Timeout, OSError, subprocess.SubprocessError) as e:
        print(f"lab: {e}", file=sys.stderr)
        return 1

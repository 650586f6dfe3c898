# SPDX-License-Identifier: BSD-3-Clause
"""freeze PID TID...: these threads of a process stand still until our input is closed.

Only they: the rest of the process runs on.  The clocks go on too.  Should this program die, the
kernel lets the threads go.
"""
import ctypes
import os
import select
import sys

from .tool import ready, result

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def ptrace(request, tid):
    if libc.ptrace(ctypes.c_long(request), ctypes.c_long(tid), ctypes.c_void_p(0),
                   ctypes.c_void_p(0)):
        sys.exit(f"freeze: thread {tid}: {os.strerror(ctypes.get_errno())}")


def main():
    tids = [int(t) for t in sys.argv[2:]]
    for tid in tids:
        ptrace(SEIZE, tid)
    for tid in tids:
        ptrace(INTERRUPT, tid)
    for tid in tids:
        os.waitpid(tid, WALL)
    ready()
    select.select([sys.stdin], [], [])
    for tid in tids:
        ptrace(DETACH, tid)
    result({"threads": len(tids)})

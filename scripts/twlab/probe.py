# SPDX-License-Identifier: BSD-3-Clause
"""probe: numbered UDP packets on a fixed schedule, echoed by the server.

The schedule does not drift and does not wait for answers; a packet that could not be sent on time
is sent late at once and its lateness reported, so that a busy machine is told from a gap of the
firewall.  Both ends note the kernel's receive time of every packet: the client's result holds the
way there and back, the server's the way there.

Gap: the longest time between two packets received one after the other, in ms (about the period
when all is well); a stream that never comes back has a gap until its end.
"""
import select
import socket
import struct
import sys
import time

from .tool import SO_TIMESTAMPNS, kernel_time, ready, result, stop_requested, urgent

PORT = 7000
PACKET = struct.Struct("!QQ")
FINAL_WAIT = 0.5  # for echoes still on their way


def gaps(arrivals, start, end):
    """Longest time without a packet: => (ms, time it began in ns)."""
    longest, began = 0, start
    last = start
    for t in [*sorted(arrivals), end]:
        if t - last > longest:
            longest, began = t - last, last
        last = max(last, t)
    return longest / 1e6, began


def open_socket():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.setblocking(False)
    return sock


def server(port):
    sock = open_socket()
    sock.bind(("0.0.0.0", port))
    urgent()
    ready()
    arrivals = []
    while not stop_requested():
        for _ in range(64):
            if not select.select([sock, sys.stdin], [], [], 0.2)[0]:
                break
            try:
                data, ancillary, _, client = sock.recvmsg(2048, 64)
                if len(data) >= PACKET.size:
                    number = PACKET.unpack_from(data)[0]
                    arrivals.append((number, kernel_time(ancillary, time.time_ns())))
                    sock.sendto(data, client)
            except BlockingIOError:
                break
            except OSError:
                continue  # no way back just now: the client counts it
    result(arrivals)


def receive(sock, echoes):
    while True:
        try:
            data, ancillary, _, _ = sock.recvmsg(2048, 64)
        except BlockingIOError:
            return
        except OSError:
            continue  # an ICMP error for a packet we count as lost anyway
        if len(data) >= PACKET.size:
            number = PACKET.unpack_from(data)[0]
            echoes.setdefault(number, kernel_time(ancillary, time.time_ns()))


def client(address, port, period_us):
    sock = open_socket()
    sock.connect((address, port))
    urgent()
    ready()
    period = period_us * 1000
    start, first = time.monotonic_ns(), time.time_ns()
    echoes, sent, unsent, late, stopping = {}, 0, 0, 0, 0
    while True:
        now = time.monotonic_ns()
        due = start + sent * period
        if stopping:
            if now > stopping or len(echoes) == sent - unsent:
                break
        elif now >= due:
            late = max(late, now - due)
            try:
                sock.send(PACKET.pack(sent, now))
            except OSError:
                unsent += 1
            sent += 1
            if sent % 32 == 0 and stop_requested():
                stopping = now + int(FINAL_WAIT * 1e9)
                last = time.time_ns()
            continue
        wait = ((stopping or due) - now) / 1e9
        if select.select([sock], [], [], max(wait, 0))[0]:
            receive(sock, echoes)
    result({"sent": sent, "unsent": unsent, "late_ms": late / 1e6, "first": first, "last": last,
            "echoes": sorted(echoes.items())})


def report(client_result, server_result):
    """What the two ends saw, as one table row."""
    there = {n: t for n, t in server_result}
    back = {n: t for n, t in client_result["echoes"]}
    first, last = client_result["first"], client_result["last"]
    gap_there, began_there = gaps(there.values(), first, last)
    gap_back, began_back = gaps(back.values(), first, last)
    sent = client_result["sent"]
    return {
        "sent": sent,
        "lost": sent - len(back),
        "lost_there": sent - len(there),
        "gap_ms": max(gap_there, gap_back),
        "gap_there_ms": gap_there,
        "gap_back_ms": gap_back,
        "gap_began_ns": began_there if gap_there >= gap_back else began_back,
        "sender_late_ms": client_result["late_ms"],
    }


def main():
    if sys.argv[1] == "server":
        server(int(sys.argv[2]))
    else:
        client(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

# SPDX-License-Identifier: BSD-3-Clause
"""relay CABLE... [delay_ms=N] [jitter_ms=N] [repeat=%] [reorder=%] [flip=%] [ahead=N] [seed=N]: a bad cable.

Runs in the switches' namespace in place of the bridge that joins the two halves of a heartbeat cable.
    delay_ms   each frame is late by this, more or less jitter_ms (which does not reorder)
    repeat     of a hundred frames are sent twice
    reorder    of a hundred frames are overtaken by the next one (after 5 ms at the latest)
    flip       of a hundred frames have one bit wrong
    ahead      each box hears the other speak a version of the protocol so much higher (without keys)
"""
import heapq
import random
import select
import socket
import sys
import time

from .tool import ready, result, stop_requested, urgent
from .topology import BOXES

ETH_P_ALL = 3
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
OVERTAKEN = 0.005
ETHER, HA_PROTOCOL, HA_VERSION_TYPE, TRAILER = 14, 112, 0x22, 48


def open_port(name):
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    port.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    port.bind((name, ETH_P_ALL))
    port.setblocking(False)
    return port


def of_another_version(frame, ahead):
    """Version and checksum of an HA message (docs/wire.md); other frames go as they are."""
    frame = bytearray(frame)
    if frame[12:14] != b"\x08\x00" or frame[23] != HA_PROTOCOL:
        return frame
    begin = ETHER + 4 * (frame[ETHER] & 15)
    end = ETHER + int.from_bytes(frame[ETHER + 2:ETHER + 4], "big")
    if frame[begin] != HA_VERSION_TYPE or end - begin < TRAILER:
        return frame
    frame[end - TRAILER + 4] += ahead
    frame[begin + 6:begin + 8] = b"\0\0"
    words = frame[begin:end] + b"\0" * ((end - begin) % 2)
    total = sum(int.from_bytes(words[i:i + 2], "big") for i in range(0, len(words), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    frame[begin + 6:begin + 8] = (total ^ 0xffff).to_bytes(2, "big")
    return frame


class Way:
    """One direction of a cable."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.last = 0.0	 # when the latest frame leaves

    def send(self, frame):
        try:
            self.sink.send(frame)
            return 1
        except OSError:
            return 0  # the cable is pulled, or its queue is full: a bad cable


class Relay:
    def __init__(self, names, how):
        self.ways = {}	# port to read from -> Way
        for name in names:
            ends = [open_port(f"{name}-{box}") for box in BOXES]
            self.ways.update({a: Way(a, b) for a, b in (ends, ends[::-1])})
        self.how = {"delay_ms": 0, "jitter_ms": 0, "repeat": 0, "reorder": 0, "flip": 0, "ahead": 0, **how}
        self.rng = random.Random(how.get("seed", 0))
        self.queue, self.number = [], 0
        self.counts = {"frames": 0, "sent": 0, "repeated": 0, "reordered": 0, "flipped": 0}

    def chance(self, name):
        return self.rng.random() * 100 < self.how[name]

    def put(self, when, way, frame):
        self.number += 1
        heapq.heappush(self.queue, (when, self.number, way, frame))

    def take(self, way, frame, now):
        how, counts = self.how, self.counts
        counts["frames"] += 1
        late = how["delay_ms"] + self.rng.uniform(-how["jitter_ms"], how["jitter_ms"])
        when = max(now + late / 1000, way.last)
        if how["ahead"]:
            frame = of_another_version(frame, how["ahead"])
        if self.chance("flip"):
            frame = bytearray(frame)
            frame[self.rng.randrange(len(frame))] ^= 1 << self.rng.randrange(8)
            counts["flipped"] += 1
        if self.chance("reorder"):
            counts["reordered"] += 1
            self.put(when + OVERTAKEN, way, frame)
        else:
            way.last = when
            self.put(when, way, frame)
        if self.chance("repeat"):
            counts["repeated"] += 1
            self.put(when, way, frame)

    def run(self):
        while True:
            now = time.monotonic()
            while self.queue and self.queue[0][0] <= now:
                _, _, way, frame = heapq.heappop(self.queue)
                self.counts["sent"] += way.send(frame)
            wait = self.queue[0][0] - now if self.queue else 0.1
            for source in select.select([*self.ways, sys.stdin], [], [], max(wait, 0))[0]:
                if source is sys.stdin:
                    if stop_requested():
                        return
                    continue
                try:
                    for _ in range(64):
                        self.take(self.ways[source], source.recv(65536), now)
                except BlockingIOError:
                    pass


def main():
    words = sys.argv[1:]
    how = {k: int(v) for k, v in (w.split("=") for w in words if "=" in w)}
    relay = Relay([w for w in words if "=" not in w], how)
    urgent()
    ready()
    relay.run()
    result(relay.counts)

# SPDX-License-Identifier: BSD-3-Clause
"""rtp: one end of a call's media, RTP and on the next port RTCP.

Packets carry how many have been heard of the other end, so that both go on until each has heard
enough and knows that the other has.  An end that does not begin keeps silent until it is spoken to.
"""
import select
import socket
import struct
import sys
import time

from .tool import ready, result

PERIOD = 0.01
ENOUGH = 25
GOODBYES = 10  # sent when done, for the other end's sake
SECONDS = 10
HEADER = struct.Struct("!BBHII")  # RTP: version, type, sequence, time, source; of RTCP the same size
HEARD = struct.Struct("!I")
TYPES = (0, 201)  # PCMU; receiver report
AUDIO = bytes(156)


class Stream:
    def __init__(self, local, remote, kind, begins):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(local)
        self.sock.setblocking(False)
        self.remote, self.kind, self.talks = remote, kind, begins
        self.sent = self.heard = self.known = 0  # known: what the other end has heard of us
        self.sources = set()

    @property
    def done(self):
        return min(self.heard, self.known) >= ENOUGH

    def send(self):
        if self.talks:
            body = HEARD.pack(self.heard) + AUDIO
            try:
                self.sock.sendto(HEADER.pack(0x80, self.kind, self.sent, self.sent * 160, 1) + body, self.remote)
            except OSError:
                pass  # an ICMP error of an earlier one: the other end does not listen yet
            self.sent += 1

    def read(self):
        try:
            data, source = self.sock.recvfrom(2048)
        except OSError:
            return
        if len(data) < HEADER.size + HEARD.size or data[1] != self.kind:
            return
        self.talks = True
        self.heard += 1
        self.known = HEARD.unpack_from(data, HEADER.size)[0]
        self.sources.add(source)


def main():
    local, port, remote, remote_port, begins = sys.argv[1:6]
    streams = [Stream((local, int(port) + i), (remote, int(remote_port) + i), TYPES[i], begins == "1")
               for i in range(2)]
    ready()
    deadline, goodbyes = time.monotonic() + SECONDS, GOODBYES
    while goodbyes and time.monotonic() < deadline:
        for stream in streams:
            stream.send()
        if all(stream.done for stream in streams):
            goodbyes -= 1
        tick = time.monotonic() + PERIOD
        while (left := tick - time.monotonic()) > 0:
            for sock in select.select([s.sock for s in streams], [], [], left)[0]:
                next(s for s in streams if s.sock is sock).read()
    result([{"done": s.done, "sent": s.sent, "heard": s.heard, "sources": sorted(s.sources)} for s in streams])

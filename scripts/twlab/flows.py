# SPDX-License-Identifier: BSD-3-Clause
"""flows: many TCP connections on which both ends count.

Each end of each connection sends its next number every 20 ms on its own schedule and checks that
the other's numbers come without a hole.  At the end the client says how many it sent, the server
answers how many it sent, and both must have seen just that: only then the connection was kept.
"""
import errno
import selectors
import socket
import struct
import sys
import time

from .tool import ready, result, stop_requested

PORT = 7001
MESSAGE = struct.Struct("!IIQ")  # connection, kind, number
NEXT, END = 1, 2
CONNECT_SECONDS = 10
FINISH_SECONDS = 10


class Flow:
    """One end of a connection."""

    def __init__(self, sock, number):
        self.sock, self.number = sock, number
        self.sent = self.received = 0
        self.inbox, self.outbox = bytearray(), bytearray()
        self.error = None
        self.ended = self.closing = False
        self.last_heard, self.stall = time.monotonic(), 0.0
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)

    @property
    def done(self):
        return self.error is not None or self.ended

    def fail(self, error):
        self.error = self.error or str(error)

    def send(self, kind):
        if kind == NEXT:
            self.sent += 1
        self.outbox += MESSAGE.pack(self.number, kind, self.sent)
        self.flush()

    def flush(self):
        while self.outbox and not self.error:
            try:
                del self.outbox[:self.sock.send(self.outbox)]
            except BlockingIOError:
                return
            except OSError as e:
                self.fail(e)

    def read(self):
        """=> False when the other end has closed."""
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return True
        except OSError as e:
            self.fail(e)
            return False
        if not data:
            if not self.ended:
                self.fail("closed by the other end")
            return False
        now = time.monotonic()
        self.stall, self.last_heard = max(self.stall, now - self.last_heard), now
        self.inbox += data
        while len(self.inbox) >= MESSAGE.size and not self.error:
            _, kind, number = MESSAGE.unpack_from(self.inbox)
            del self.inbox[:MESSAGE.size]
            self.take(kind, number)
        return True

    def take(self, kind, number):
        if kind == END:
            if number != self.received:
                self.fail(f"{self.received} of {number} messages came")
            self.ended = True
        elif number != self.received + 1:
            self.fail(f"message {number} came after {self.received}")
        else:
            self.received = number


def tick(flows, schedule, period):
    """Send what is due; each connection has its own phase. => seconds to the next one."""
    now = time.monotonic()
    for f in flows:
        while schedule[f.number] <= now:
            schedule[f.number] += period
            if not f.done and not f.closing:
                f.send(NEXT)
    return max(min(schedule[f.number] for f in flows) - now, 0) if flows else 0.1


def poll(selector, seconds):
    for key, _ in selector.select(seconds):
        flow = key.data
        if flow is None:
            continue
        if not flow.read() or flow.error:
            selector.unregister(flow.sock)
            flow.sock.close()


def server(port, period):
    listener = socket.create_server(("0.0.0.0", port), backlog=1024)
    listener.setblocking(False)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    ready()
    flows, schedule = [], {}
    checked = 0.0
    while True:
        now = time.monotonic()
        if now - checked > 0.1:
            checked = now
            if stop_requested():
                break
        try:
            sock, _ = listener.accept()
            flow = Flow(sock, len(schedule))
            schedule[flow.number] = now + period * (flow.number % 50) / 50
            flows.append(flow)
            selector.register(sock, selectors.EVENT_READ, flow)
        except BlockingIOError:
            pass
        live = [f for f in flows if not f.done]
        wait = tick(live, schedule, period)
        poll(selector, min(wait, 0.1))
        for f in live:
            if f.ended and not f.closing and not f.error:
                f.closing = True
                f.send(END)
                selector.unregister(f.sock)
                f.sock.close()  # what was sent is delivered by the kernel
    result({"connections": len(flows), "broken": [f.error for f in flows if f.error]})


def connect(address, port, count):
    socks = [socket.create_connection((address, port), CONNECT_SECONDS) for _ in range(count)]
    return [Flow(s, i) for i, s in enumerate(socks)]


def client(address, port, count, period):
    try:
        flows = connect(address, port, count)
    except OSError as e:
        sys.exit(f"flows: {address}:{port}: {e}")
    selector = selectors.DefaultSelector()
    start = time.monotonic()
    schedule = {}
    for f in flows:
        f.last_heard = start
        schedule[f.number] = start + period * f.number / count
        selector.register(f.sock, selectors.EVENT_READ, f)
    ready()
    while not stop_requested():
        wait = tick([f for f in flows if not f.done], schedule, period)
        poll(selector, min(wait, 0.02))
    for f in flows:
        if not f.done:
            f.closing = True
            f.send(END)
    deadline = time.monotonic() + FINISH_SECONDS
    while not all(f.done for f in flows) and time.monotonic() < deadline:
        for f in flows:
            f.flush()
        poll(selector, 0.02)
    for f in flows:
        if not f.done:
            f.fail(errno.errorcode[errno.ETIMEDOUT])
    errors = {}
    for f in flows:
        if f.error:
            errors[f.error] = errors.get(f.error, 0) + 1
    result({"total": len(flows), "kept": sum(f.error is None for f in flows),
            "sent": sum(f.sent for f in flows), "received": sum(f.received for f in flows),
            "stall_ms": max((f.stall for f in flows), default=0) * 1000, "errors": errors})


def main():
    if sys.argv[1] == "server":
        server(int(sys.argv[2]), float(sys.argv[3]))
    else:
        client(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))

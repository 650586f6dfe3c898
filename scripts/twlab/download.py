# SPDX-License-Identifier: BSD-3-Clause
"""download: an HTTP server that sends as long as it is asked to, and curl with a checksum.

GET /BYTES/RATE answers BYTES bytes at RATE bytes per second.  The content is the same for every
length (block after block, each with its number), so that the client knows the checksum beforehand.
"""
import hashlib
import http.server
import random
import socket
import subprocess
import sys
import threading
import time

from .tool import ready, result, stop_requested

PORT = 7080
BLOCK = 8192
_FILL = random.Random(1).randbytes(BLOCK - 8)


def blocks(size):
    """The content, piece by piece."""
    number = 0
    while size > 0:
        piece = (number.to_bytes(8, "big") + _FILL)[:size]
        yield piece
        size -= len(piece)
        number += 1


def checksum(size):
    digest = hashlib.sha256()
    for piece in blocks(size):
        digest.update(piece)
    return digest.hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # the name is http.server's
        try:
            size, rate = (int(v) for v in self.path.strip("/").split("/"))
        except ValueError:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        start, sent = time.monotonic(), 0
        for piece in blocks(size):
            self.wfile.write(piece)
            sent += len(piece)
            ahead = sent / rate - (time.monotonic() - start)
            if ahead > 0:
                time.sleep(ahead)
            elif ahead < -0.5:  # after an outage go on at the rate, do not make up for it
                start -= ahead

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


class Server(http.server.ThreadingHTTPServer):
    """On both families: an IPv6 socket takes IPv4 too, with IPv6 off in the namespace as well."""
    address_family = socket.AF_INET6

    def handle_error(self, request, client_address):
        """A client that leaves, as when the lab is interrupted, is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    server = Server(("::", int(sys.argv[1])), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ready()
    while not stop_requested():
        time.sleep(0.05)
    result({})


class Download:
    """curl in a host; its output is only hashed. start -> finish()."""

    def __init__(self, lab, host, address, size, rate, port=PORT, timeout=120):
        self._begin(lab, host, size, "--max-time", timeout, f"http://{address}:{port}/{size}/{rate}")

    def _begin(self, lab, host, size, *args):
        self.size = size
        self.seen = 0
        self._digest = hashlib.sha256()
        self.process = lab.popen(host, "curl", "-sS", "-o", "-", *args,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while data := self.process.stdout.read1(65536):
            self._digest.update(data)
            self.seen += len(data)

    def finish(self, timeout=60):
        """=> {"ok", "bytes", "error"}: ok only with curl's exit code 0 and the right checksum."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            code = -1
        self._reader.join(10)
        error = self.process.stderr.read().decode(errors="replace").strip()
        ok = code == 0 and self._digest.hexdigest() == checksum(self.size)
        if not ok and not error:
            error = "wrong checksum" if code == 0 else f"curl was still busy or ended with {code}"
        return {"ok": ok, "bytes": self.seen, "size": self.size, "error": error}

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

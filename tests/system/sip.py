# SPDX-License-Identifier: BSD-3-Clause
"""Phones: sipp speaks for them, and twlab.rtp sends to where the other end's session description, as it
arrived, wants media.

A phone is told to hang_up(); until then the call lasts.
"""
import re

from twlab.wait import wait_until

PORT = 5060
SDP = """Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=phone 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [local_ip]
      t=0 0
      m=audio {media} RTP/AVP 0
      a=rtpmap:0 PCMU/8000"""
REQUEST = """<send retrans="500"><![CDATA[

      {method} sip:{user}@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: {sender}
      To: {receiver}
      Call-ID: [call_id]
      CSeq: {number} {method}
      Contact: <sip:phone@[local_ip]:[local_port];transport=[transport]>
      Max-Forwards: 70
      {rest}

    ]]></send>"""
REPLY = """<send{more}><![CDATA[

      SIP/2.0 {status}
      [last_Via:]
      [last_From:]
      [last_To:]{tag}
      [last_Call-ID:]
      [last_CSeq:]
      {rest}

    ]]></send>"""
EMPTY = "Content-Length: 0"
CONTACT = "Contact: <sip:phone@[local_ip]:[local_port];transport=[transport]>\n      "
ME = "<sip:phone@[local_ip]:[local_port]>;tag=[pid]-[call_number]"
TAG = ";tag=[pid]-[call_number]"


def reply(status, rest=EMPTY, tag=TAG):
    """To what was received last; `tag` when it is the first one of a dialog."""
    final = ' retrans="500"' if rest != EMPTY else ""
    return REPLY.format(status=status, rest=rest, tag=tag, more=final)


def request(method, user, number, rest, sender, receiver):
    return REQUEST.format(method=method, user=user, number=number, rest=rest, sender=sender,
                          receiver=receiver)


def caller(user, media, hangs_up):
    to = f"<sip:{user}@[remote_ip]:[remote_port]>"
    own = {"user": user, "sender": ME, "receiver": to + "[peer_tag_param]"}
    steps = [request("INVITE", user, 1, SDP.format(media=media), ME, to),
             '<recv response="180" optional="true"/>', '<recv response="200"/>',
             request("ACK", number=1, rest=EMPTY, **own).replace(' retrans="500"', "")]
    if hangs_up:
        steps += ['<recv request="INFO"/>', request("BYE", number=2, rest=EMPTY, **own),
                  '<recv response="200"/>']
    else:
        steps += ['<recv request="BYE"/>', reply("200 OK", tag="")]
    return steps


def callee(media, hangs_up):
    steps = ['<recv request="INVITE"><action>'
             '<ereg regexp=".*" search_in="hdr" header="From:" check_it="true" assign_to="from"/>'
             '<ereg regexp=".*" search_in="hdr" header="To:" check_it="true" assign_to="to"/>'
             '<ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:" check_it="true" '
             'assign_to="contact"/></action></recv>',
             reply("180 Ringing"), reply("200 OK", CONTACT + SDP.format(media=media)),
             '<recv request="ACK"/>']
    if hangs_up:
        bye = request("BYE", "x", 1, EMPTY, f"[$to]{TAG}", "[$from]")
        steps += ['<recv request="INFO"/>',
                  bye.replace("sip:x@[remote_ip]:[remote_port] SIP", "[$contact] SIP"),
                  '<recv response="200"/>']
    else:
        steps += ['<Reference variables="from,to,contact"/>', '<recv request="BYE"/>',
                  reply("200 OK", tag="")]
    return steps


def registers(user):
    me = f"<sip:{user}@[remote_ip]>"
    return [request("REGISTER", user, 1, "Expires: 600\n      " + EMPTY, me + TAG, me),
            '<recv response="200"/>']


def registrar():
    return ['<recv request="REGISTER"/>', reply("200 OK", "[last_Contact:]\n      Expires: 600\n      " + EMPTY)]


class Phone:
    """sipp in a host that plays one call. `peer`: of one that begins it, "ADDRESS:PORT"."""

    def __init__(self, lab, host, name, address, steps, transport="udp", peer=None):
        self._lab, self._host, self._address = lab, host, address
        self._log, self._messages = lab.dir / f"{name}.out", lab.dir / f"{name}.sip"
        scenario = lab.dir / f"{name}.xml"
        scenario.write_text('<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="phone">\n' +
                            "\n".join(steps) + "\n</scenario>\n")
        self._messages.unlink(missing_ok=True)
        self._transport = transport
        argv = ["sipp", "-sf", scenario, "-i", address, "-p", PORT, "-m", 1, "-nostdin", "-trace_msg",
                "-message_file", self._messages, "-trace_err", "-error_file", lab.dir / f"{name}.err",
                "-timeout", "20", "-timeout_error", "-t", {"udp": "u1", "tcp": "t1"}[transport]]
        with open(self._log, "wb") as log:
            self._process = lab.popen(host, *argv, *([peer] if peer else []), stdout=log, stderr=log,
                                      cwd=lab.dir)
        self._errors = lab.dir / f"{name}.err"
        if not peer:
            kind = "-u" if transport == "udp" else "-t"
            wait_until(lambda: f"{address}:{PORT}" in lab.run(host, "ss", "-Hln", kind).stdout, 10,
                       lambda: f"sipp listens: {self.said()}")

    def said(self):
        return "\n".join(f"{p.name}:\n{p.read_text(errors='replace')[-6000:]}"
                         for p in (self._messages, self._errors, self._log) if p.exists())

    def heard(self, first_line):
        """The first message that has arrived and begins so, with its lines; None as yet."""
        text = self._messages.read_text(errors="replace") if self._messages.exists() else ""
        for block in re.split(r"^-{20,}.*$", text, flags=re.M)[1:]:
            head, _, message = block.lstrip().partition("\n\n")
            if "received" in head and message.startswith(first_line) and block.endswith("\n"):
                return message.splitlines()
        return None

    def wait_heard(self, first_line):
        return wait_until(lambda: self.heard(first_line), 10, lambda: f"{first_line}: {self.said()}")

    def hang_up(self):
        """Whoever holds the phone tells it to, by a message of the call from its own host."""
        message = self.wait_heard("ACK") if self.heard("INVITE") else self.wait_heard("SIP/2.0 200")
        call = next(line for line in message if line.startswith("Call-ID:"))
        parties = "\r\n".join(line for line in message if line.startswith(("From:", "To:")))
        text = (f"INFO sip:phone@{self._address} SIP/2.0\r\nVia: SIP/2.0/UDP {self._address}:9;"
                f"branch=z9hG4bKinfo\r\n{parties}\r\n{call}\r\nCSeq: 9 INFO\r\nContent-Length: 0\r\n\r\n")
        self._lab.run(self._host, "/usr/bin/python3", "-c", TELL, self._transport, self._address, str(PORT),
                      text)

    def wait_end(self):
        """The call has gone as the scenario says."""
        wait_until(lambda: self._process.poll() is not None, 25, lambda: f"sipp ends: {self.said()}")
        assert self._process.returncode == 0, self.said()

    def close(self):
        self._process.kill()
        self._process.wait()


TELL = """
import socket, sys
kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
s = socket.socket(socket.AF_INET, kind)
s.connect((sys.argv[2], int(sys.argv[3])))
s.send(sys.argv[4].encode())
"""


def media(message):
    """Where a session description wants RTP. => (address, port)."""
    connection = next(line for line in message if line.startswith("c=IN IP4 "))
    audio = next(line for line in message if line.startswith("m=audio "))
    return connection.split()[2], int(audio.split()[1])


def contact(message):
    """Where a phone says that it can be called. => (address, port)."""
    found = next(re.match(r"Contact: <sip:\w+@([0-9.]+):(\d+)", line) for line in message
                 if line.startswith("Contact:"))
    return found[1], int(found[2])

# SPDX-License-Identifier: BSD-3-Clause
"""Real programs through translation: FTP, TFTP, SIP, RTSP, PPTP, a NAT type probe and hairpin.  Only control
connections have rules; whatever follows from them is let in by what they say."""
import os
import pathlib
import re
import shutil
import subprocess
import textwrap

import pytest

from twlab.topology import CLIENT, SERVER, VIPS
from twlab.tool import PYTHON
from twlab.wait import wait_until

POOL = ["200.1.1.100", "200.1.1.101"]
PUBLIC = "200.1.1.110"  # of servers at the client
SIZE = 300_000
CONTROL = {"ftp": ("tcp", "21"), "tftp": ("udp", "69"), "sip": ("udp", "5060"), "web": ("tcp", "8000"),
           "rtsp": ("tcp", "554"), "pptp": ("tcp", "1723"), "stun": ("udp", "3478-3479")}


def services(*names):
    return [{"protocol": CONTROL[n][0], "destination_port": CONTROL[n][1]} for n in names]


@pytest.fixture(scope="module")
def module_config():
    def change(config):
        vrid = VIPS["out"].vrid
        config["nat_address_groups"] = [
            {"name": "office", "addresses": ["-".join(POOL)], "vrid": vrid}]
        config["nat_policy"] = {"rules": [
            {"name": "out", "source_zones": ["trust"], "action": "source-nat", "address_group": "office"}]}
        config["nat_servers"] = [
            {"name": name, "protocol": CONTROL[name][0], "public_address": PUBLIC,
             "public_port": CONTROL[name][1], "inside_addresses": [CLIENT], "vrid": vrid}
            for name in ("ftp", "web", "pptp")]
        config["alg"] = {"ftp": True, "tftp": True, "sip": True, "rtsp": True, "pptp": True}
        config["security_policy"]["rules"] = [
            {"name": "out", "source_zones": ["trust"], "destination_zones": ["untrust"],
             "services": services(*CONTROL), "action": "permit"},
            {"name": "in", "source_zones": ["untrust"], "destination_addresses": [CLIENT],
             "services": services("ftp", "web", "pptp"), "action": "permit"},
            {"name": "hairpin", "source_zones": ["trust"], "destination_zones": ["trust"],
             "services": services("web"), "action": "permit"}]
    return change


def listening(lab, host, proto, port):
    flags = "-Hltn" if proto == "tcp" else "-Hlun"
    return lab.run(host, "ss", flags, f"sport = :{port}").stdout


def start(lab, host, proto, port, *command, **more):
    process = lab.popen(host, *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    wait_until(lambda: listening(lab, host, proto, port), 10, f"{command[0]} listens")
    return process


def end(process):
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def content(name):
    return (name.encode() * (SIZE // len(name) + 1))[:SIZE]


@pytest.fixture(params=["srv", "cli"])
def ftp(lab, pair, request, tmp_path_factory):
    """vsftpd at a host.  => (where its clients are, address they use, its upload folder)"""
    root = pathlib.Path("/run") / f"twinwall-ftp-{os.getpid()}-{request.param}"
    upload = root / "upload"
    upload.mkdir(parents=True)
    (root / "file").write_bytes(content("file"))
    os.chmod(root, 0o555)
    shutil.chown(upload, "ftp")
    conf = tmp_path_factory.mktemp("vsftpd") / "conf"
    conf.write_text(textwrap.dedent(f"""\
        listen=YES
        background=NO
        anonymous_enable=YES
        no_anon_password=YES
        anon_root={root}
        write_enable=YES
        anon_upload_enable=YES
        anon_umask=022
        connect_from_port_20=YES
        seccomp_sandbox=NO
        isolate=NO
        isolate_network=NO
        xferlog_enable=NO
        """), encoding="ascii")
    process = start(lab, request.param, "tcp", 21, "vsftpd", str(conf))
    yield ("cli", SERVER, upload) if request.param == "srv" else ("srv", PUBLIC, upload)
    end(process)
    shutil.rmtree(root)


CURL = {"EPSV": [], "PASV": ["--disable-epsv"], "EPRT": ["--ftp-port", "-"],
        "PORT": ["--ftp-port", "-", "--disable-eprt"]}


@pytest.mark.parametrize("way", CURL)
def test_ALG_01_ALG_02_ALG_03_ftp_with_curl(lab, pair, ftp, way, tmp_path):
    host, address, upload = ftp
    got = tmp_path / "got"
    done = lab.run(host, "curl", "-sS", "--max-time", "20", *CURL[way], "-o", str(got),
                   f"ftp://{address}/file", check=False)
    assert done.returncode == 0, (way, done.stderr, pair.fw1.rows("alg"))
    assert got.read_bytes() == content("file")
    sent = tmp_path / "sent"
    sent.write_bytes(content(way))
    done = lab.run(host, "curl", "-sS", "--max-time", "20", *CURL[way], "-T", str(sent),
                   f"ftp://{address}/upload/{way}", check=False)
    assert done.returncode == 0, (way, done.stderr, pair.fw1.rows("alg"))
    assert (upload / way).read_bytes() == content(way)


@pytest.mark.parametrize("passive", ["on", "off"])
def test_ALG_02_ftp_with_lftp(lab, pair, ftp, passive, tmp_path):
    """Several transfers over one control connection, whose numbers stay shifted."""
    host, address, _ = ftp
    script = (f"set ftp:passive-mode {passive}; set net:max-retries 1; set net:timeout 10; "
              f"open ftp://{address}; ls; get file -o {tmp_path}/one; ls; get file -o {tmp_path}/two; bye")
    done = lab.run(host, "lftp", "-c", script, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr, pair.fw1.rows("alg"))
    for name in ("one", "two"):
        assert (tmp_path / name).read_bytes() == content("file"), name


def control_connections(lab, host):
    """Ports of the clients whose FTP control connections are open at the server."""
    out = lab.run(host, "ss", "-Htn", "state", "established", "sport = :21").stdout
    return sorted(line.split()[-1] for line in out.splitlines())


@pytest.mark.parametrize("passive", ["on", "off"])
@pytest.mark.parametrize("ftp", ["srv"], indirect=True)
def test_R186_an_ftp_control_connection_survives_the_active_box(lab, pair, ftp, passive, tmp_path):
    """Its text has been edited: the other box shifts the same numbers, reads on, and lets the next
    transfer's connection in."""
    host, address, _ = ftp
    old, new = pair.fw1, pair.fw2
    client = lab.popen(host, "lftp", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def say(line):
        client.stdin.write(line + "\n")
        client.stdin.flush()

    def complete(name):
        path = tmp_path / name
        return path.exists() and path.read_bytes() == content("file")

    try:
        say(f"set ftp:passive-mode {passive}; set net:max-retries 1; set net:timeout 20; set ftp:sync-mode on")
        say(f"open ftp://{address}")
        say(f"get file -o {tmp_path}/one")
        wait_until(lambda: complete("one"), 20, "the first file")
        before = control_connections(lab, "srv")
        assert len(before) == 1
        wait_until(lambda: old.rows("hrp-state")[0]["synchronised"], 10, "synchronised")
        wait_until(lambda: any(s["destination_port"] == 21 for s in new.sessions(destination=address)),
                   5, "the standby has the control connection")
        old.kill()
        wait_until(lambda: new.role() == "active", 10, "the standby takes over")
        say(f"get file -o {tmp_path}/two")
        wait_until(lambda: complete("two"), 30, lambda: f"the second file: {new.rows('alg')} {new.rows('hrp-sync')}")
        assert control_connections(lab, "srv") == before
        out = client.communicate("bye\n", timeout=20)[0]
        assert client.returncode == 0, out
    finally:
        client.kill()


def test_ALG_08_tftp_through_pat(lab, pair, tmp_path):
    folder = pathlib.Path("/run") / f"twinwall-tftp-{os.getpid()}"
    folder.mkdir()
    try:
        (folder / "file").write_bytes(content("tftp"))
        server = start(lab, "srv", "udp", 69, "in.tftpd", "-L", "-4", "-a", f"{SERVER}:69", "-s", str(folder))
        try:
            done = lab.run("cli", "curl", "-sS", "--max-time", "20", "-o", str(tmp_path / "got"),
                           f"tftp://{SERVER}/file", check=False)
            assert done.returncode == 0, (done.stderr, pair.fw1.rows("alg"))
            assert (tmp_path / "got").read_bytes() == content("tftp")
        finally:
            end(server)
    finally:
        shutil.rmtree(folder)


# One side of the media: says its ports by SIP's SDP, sends a datagram each 20 ms, counts what comes.
SIP = r'''
import re, socket, sys, time
role, me, peer, media = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); sip.bind((me, 5060)); sip.settimeout(10)
rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); rtp.bind((me, media)); rtp.settimeout(0.02)
rtcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); rtcp.bind((me, media + 1)); rtcp.settimeout(0.02)
sdp = f"v=0\r\no=- 1 1 IN IP4 {me}\r\ns=-\r\nc=IN IP4 {me}\r\nt=0 0\r\nm=audio {media} RTP/AVP 0\r\n"
def message(first, cseq, body=""):
    return (f"{first}\r\nVia: SIP/2.0/UDP {me}:5060;branch=z9hG4bKx\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>;tag=2\r\n"
            f"Call-ID: c1@x\r\nCSeq: {cseq}\r\nContact: <sip:{role}@{me}:5060>\r\nMax-Forwards: 70\r\n"
            + ("Content-Type: application/sdp\r\n" if body else "") + f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
def media_of(text):
    body = text.split("\r\n\r\n", 1)[1]
    assert len(body) == int(re.search(r"Content-Length: (\d+)", text)[1]), text
    return re.search(r"c=IN IP4 (\S+)", body)[1], int(re.search(r"m=audio (\d+)", body)[1])
if role == "caller":
    sip.sendto(message(f"INVITE sip:b@{peer} SIP/2.0", "1 INVITE", sdp), (peer, 5060))
    text = sip.recv(4000).decode(); assert text.startswith("SIP/2.0 200"), text
    there = media_of(text)
    sip.sendto(message(f"ACK sip:b@{peer} SIP/2.0", "1 ACK"), (peer, 5060))
else:
    data, who = sip.recvfrom(4000); text = data.decode()
    there = media_of(text)
    contact = re.search(r"Contact: <sip:\S+@([0-9.]+):(\d+)>", text)
    via = re.search(r"Via: SIP/2.0/UDP ([0-9.]+):(\d+)", text)
    if peer in text or contact.groups() != via.groups() or via.groups() != (who[0], str(who[1])):
        sys.exit(f"{who}: {text}")
    sip.sendto(message("SIP/2.0 200 OK", "1 INVITE", sdp), who)
    sip.recvfrom(4000)
came = {"rtp": 0, "rtcp": 0}
until = time.monotonic() + 10
while time.monotonic() < until and min(came.values()) < 20:
    for name, s, port in (("rtp", rtp, there[1]), ("rtcp", rtcp, there[1] + 1)):
        s.sendto(b"media", (there[0], port))
        try:
            s.recv(100); came[name] += 1
        except TimeoutError:
            pass
for _ in range(20):
    rtp.sendto(b"media", there); rtcp.sendto(b"media", (there[0], there[1] + 1))
if role == "caller":
    sip.sendto(message(f"BYE sip:b@{peer} SIP/2.0", "2 BYE"), (peer, 5060))
else:
    text = sip.recv(4000).decode(); assert text.startswith("BYE"), text
print(there[0], there[1], came["rtp"], came["rtcp"])
'''


def test_ALG_08_a_sip_call_with_media_both_ways(lab, pair):
    """The called one sees the public address in every header and in SDP, and that is where media go."""
    called = lab.popen("srv", PYTHON, "-c", SIP, "called", SERVER, CLIENT, "9000", stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True)
    wait_until(lambda: listening(lab, "srv", "udp", 5060), 10, "the called one listens")
    caller = lab.run("cli", PYTHON, "-c", SIP, "caller", CLIENT, SERVER, "7000", check=False)
    out, err = called.communicate(timeout=30)
    assert called.returncode == 0 and caller.returncode == 0, (err, caller.stderr, pair.fw1.rows("alg"))
    address, _, rtp, rtcp = out.split()
    assert address in POOL and int(rtp) >= 20 and int(rtcp) >= 20, out
    address, port, rtp, rtcp = caller.stdout.split()
    assert (address, port) == (SERVER, "9000") and int(rtp) >= 20 and int(rtcp) >= 20, caller.stdout


# A player and its server: two streams, each with RTP from the server and RTCP both ways.
RTSP_SERVER = r'''
import re, select, socket, sys, time
me = sys.argv[1]
listener = socket.create_server((me, 554)); listener.settimeout(20)
control, who = listener.accept(); control.settimeout(20)
text = control.makefile("rw", newline="", encoding="ascii")
streams = []
def request():
    lines = []
    while (line := text.readline()) not in ("\r\n", ""):
        lines.append(line)
    return "".join(lines)
def reply(of, more=""):
    text.write(f"RTSP/1.0 200 OK\r\nCSeq: {re.search(r'CSeq: ([0-9]+)', of)[1]}\r\nSession: 7\r\n{more}\r\n"); text.flush()
while (asked := request()).startswith("SETUP"):
    transport = re.search(r"Transport: (\S+)", asked)[1]
    host = re.search(r"destination=([0-9.]+)", transport)[1]
    port = int(re.search(r"client_port=(\d+)-", transport)[1])
    if host != who[0]:
        sys.exit(f"{who}: {asked}")
    pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for i, s in enumerate(pair):
        s.bind((me, 9000 + 2 * len(streams) + i)); s.settimeout(0.02)
    reply(asked, f"Transport: {transport};source={me};server_port={9000 + 2 * len(streams)}-{9001 + 2 * len(streams)}\r\n")
    streams.append((pair, (host, port), (host, port + 1)))
assert asked.startswith("PLAY"), asked
reply(asked)
came, until = [0, 0], time.monotonic() + 15
while not select.select([control], [], [], 0)[0] and time.monotonic() < until: # until TEARDOWN
    for n, ((rtp, rtcp), media, reports) in enumerate(streams):
        rtp.sendto(b"rtp%d" % n, media); rtcp.sendto(b"sr%d" % n, reports)
        try:
            data, source = rtcp.recvfrom(100)
            if data == b"rr%d" % n and source == reports:
                came[n] += 1
        except TimeoutError:
            pass
asked = request(); assert asked.startswith("TEARDOWN"), asked
reply(asked)
print(*came)
'''
RTSP_PLAYER = r'''
import re, select, socket, sys, time
me, server = sys.argv[1:]
control = socket.create_connection((server, 554), 10); control.settimeout(10)
text = control.makefile("rw", newline="", encoding="ascii")
def ask(first, cseq, more=""):
    text.write(f"{first} RTSP/1.0\r\nCSeq: {cseq}\r\n{more}\r\n"); text.flush()
    lines = []
    while (line := text.readline()) not in ("\r\n", ""):
        lines.append(line)
    answer = "".join(lines); assert answer.startswith("RTSP/1.0 200"), answer
    return answer
socks = {}
for n, track in enumerate(("audio", "video")):
    for i in range(2):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((me, 7000 + 2 * n + i)); socks[s] = (n, i)
    want = f"destination={me};client_port={7000 + 2 * n}-{7001 + 2 * n}"
    answer = ask(f"SETUP rtsp://{server}/film/{track}", n + 1, f"Transport: RTP/AVP;unicast;{want}\r\n")
    assert want in answer and f"source={server}" in answer, answer
ask(f"PLAY rtsp://{server}/film", 3, "Session: 7\r\n")
came, until = [[0, 0], [0, 0]], time.monotonic() + 15
while min(map(min, came)) < 20 and time.monotonic() < until:
    for s in select.select(list(socks), [], [], 1)[0]:
        n, i = socks[s]
        data, source = s.recvfrom(100)
        assert data == (b"sr%d" if i else b"rtp%d") % n and source == (server, 9000 + 2 * n + i), (data, source)
        came[n][i] += 1
        if i:
            s.sendto(b"rr%d" % n, source)
ask(f"TEARDOWN rtsp://{server}/film", 4, "Session: 7\r\n")
print(*came[0], *came[1])
'''


def test_ALG_09_rtsp_with_two_streams(lab, pair):
    """SETUP names the player's address; media come to the outside one and RTCP goes both ways."""
    server = lab.popen("srv", PYTHON, "-c", RTSP_SERVER, SERVER, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True)
    wait_until(lambda: listening(lab, "srv", "tcp", 554), 10, "the server listens")
    player = lab.run("cli", PYTHON, "-c", RTSP_PLAYER, CLIENT, SERVER, check=False)
    out, err = server.communicate(timeout=40)
    assert server.returncode == 0 and player.returncode == 0, (err, player.stderr, pair.fw1.rows("alg"))
    assert min(map(int, out.split())) >= 5 and min(map(int, player.stdout.split())) >= 20, (out, player.stdout)


# Control connection and tunnel of PPTP: the server sends back what comes with its call id, with the client's.
PPTP_SERVER = r'''
import socket, struct, sys
me, peer = sys.argv[1:]
gre = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_GRE); gre.bind((me, 0)); gre.settimeout(20)
listener = socket.create_server((me, 1723)); listener.settimeout(20)
control, _ = listener.accept(); control.settimeout(20)
def message(length):
    data = control.recv(length, socket.MSG_WAITALL)
    assert struct.unpack("!HHIH", data[:10])[:3] == (length, 1, 0x1A2B3C4D), data
    return data
message(156); control.sendall(struct.pack("!HHIHHHBBIIHH64s64s", 156, 1, 0x1A2B3C4D, 2, 0, 256, 1, 0, 1, 1, 0, 1, b"", b""))
theirs, = struct.unpack("!H", message(168)[12:14])
control.sendall(struct.pack("!HHIHHHHBBHIHHI", 32, 1, 0x1A2B3C4D, 8, 0, 4321, theirs, 1, 0, 0, 10000, 64, 0, 0))
for _ in range(20):
    while True:
        data, who = gre.recvfrom(2000)
        length, call = struct.unpack("!HH", data[24:28])
        if who[0] == peer and call == 4321:
            break
    gre.sendto(struct.pack("!BBHHH", 0x30, 1, 0x880B, length, theirs) + data[28:], who)
message(16)
control.sendall(struct.pack("!HHIHHHBBHH128s", 148, 1, 0x1A2B3C4D, 13, 0, 4321, 1, 0, 0, 0, b""))
'''
PPTP_CLIENT = r'''
import socket, struct, sys, time
me, server = sys.argv[1:]
gre = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_GRE); gre.bind((me, 0)); gre.settimeout(0.1)
control = socket.create_connection((server, 1723), 10); control.settimeout(10)
control.sendall(struct.pack("!HHIHHHHIIHH64s64s", 156, 1, 0x1A2B3C4D, 1, 0, 256, 0, 1, 1, 0, 1, b"", b""))
assert len(control.recv(156, socket.MSG_WAITALL)) == 156
control.sendall(struct.pack("!HHIHHHHIIIIHHHH64s64s", 168, 1, 0x1A2B3C4D, 7, 0, 1234, 1, 300, 10000000, 3, 3, 64, 0, 0, 0, b"", b""))
answer = control.recv(32, socket.MSG_WAITALL)
call, mine, result = struct.unpack("!HHB", answer[12:17])
assert (call, mine, result) == (4321, 1234, 1), answer
came, until = 0, time.monotonic() + 15
while came < 20 and time.monotonic() < until:
    body = b"frame %d" % came
    gre.sendto(struct.pack("!BBHHHI", 0x30, 1, 0x880B, len(body), call, came) + body, (server, 0))
    try:
        data, who = gre.recvfrom(2000)
        came += who[0] == server and data[26:28] == struct.pack("!H", mine) and data.endswith(body)
    except TimeoutError:
        pass
control.sendall(struct.pack("!HHIHHHH", 16, 1, 0x1A2B3C4D, 12, 0, mine, 0))
assert control.recv(148, socket.MSG_WAITALL)[8:14] == struct.pack("!HHH", 13, 0, 4321)
print(came)
'''


def test_ALG_10_pptp_to_a_server_behind_a_public_address(lab, pair):
    """GRE has no rule: the call lets it in, and it goes both ways."""
    server = lab.popen("cli", PYTHON, "-c", PPTP_SERVER, CLIENT, SERVER, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True)
    wait_until(lambda: listening(lab, "cli", "tcp", 1723), 10, "the server listens")
    client = lab.run("srv", PYTHON, "-c", PPTP_CLIENT, SERVER, PUBLIC, check=False)
    out, err = server.communicate(timeout=40)
    assert client.returncode == 0 and server.returncode == 0, (client.stderr, err, pair.fw1.rows("alg"))
    assert client.stdout.strip() == "20", (client.stdout, pair.fw1.drops())


# What one inside socket looks like to two ports outside, and whether a third may send to it.
SEEN = r'''
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], 4000)); s.settimeout(3)
for port in (3478, 3479):
    s.sendto(b"?", (sys.argv[2], port)); print(s.recv(100).decode())
'''
ECHO = r'''
import select, socket, sys
socks = []
for port in (3478, 3479):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], port)); socks.append(s)
while True:
    for s in select.select(socks, [], [])[0]:
        data, who = s.recvfrom(100); s.sendto(f"{who[0]}:{who[1]}".encode(), who)
'''


def test_NAT_03_one_inside_socket_looks_the_same_to_all(lab, pair):
    server = start(lab, "srv", "udp", 3479, PYTHON, "-c", ECHO, SERVER)
    try:
        done = lab.run("cli", PYTHON, "-c", SEEN, CLIENT, SERVER, check=False)
        assert done.returncode == 0, done.stderr
        first, second = done.stdout.split()
        assert first == second and first.split(":")[0] in POOL, done.stdout
    finally:
        end(server)


def test_NAT_03_a_stun_probe_says_what_the_group_does(lab, pair):
    """coturn's own probe: mapping that does not depend on the endpoint."""
    server = start(lab, "srv", "udp", 3478, "turnserver", "-n", "--no-tls", "--no-dtls", "--no-cli", "-S",
                   "-L", SERVER, "--log-file", "stdout", "--pidfile", str(lab.dir / "turn.pid"),
                   "--userdb", str(lab.dir / "turn.db"))
    try:
        done = lab.run("cli", "turnutils_stunclient", "-p", "3478", SERVER, check=False)
        seen = re.search(r"UDP reflexive addr: ([0-9.]+):(\d+)", (done.stdout or "") + (done.stderr or ""))
        assert seen is not None and seen[1] in POOL, (done.stdout, done.stderr)
    finally:
        end(server)


def test_NAT_08_hairpin_with_curl(lab, pair):
    """A client beside the server uses the public address; the server sees a public one, too."""
    page = lab.dir / "hairpin"
    page.mkdir(exist_ok=True)
    (page / "page").write_text("hairpin\n", encoding="ascii")
    web = start(lab, "cli", "tcp", 8000, PYTHON, "-m", "http.server", "8000", "--directory", str(page))
    try:
        for host in ("srv", "cli"):
            done = lab.run(host, "curl", "-sS", "--max-time", "5", f"http://{PUBLIC}:8000/page", check=False)
            assert done.stdout == "hairpin\n", (host, done.stderr, pair.fw1.drops())
        rows = pair.fw1.sessions(protocol="tcp", source=CLIENT, nat=True)
        assert any(r["nat_source"] in POOL and r["nat_destination"] == CLIENT for r in rows), rows
    finally:
        end(web)

# SPDX-License-Identifier: BSD-3-Clause
"""Real programs through translation: FTP, TFTP, SIP, a NAT type probe and hairpin.  Only control
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
           "stun": ("udp", "3478-3479")}


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
            for name in ("ftp", "web")]
        config["alg"] = {"ftp": True, "tftp": True, "sip": True}
        config["security_policy"]["rules"] = [
            {"name": "out", "source_zones": ["trust"], "destination_zones": ["untrust"],
             "services": services(*CONTROL), "action": "permit"},
            {"name": "in", "source_zones": ["untrust"], "destination_addresses": [CLIENT],
             "services": services("ftp", "web"), "action": "permit"},
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

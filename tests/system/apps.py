# SPDX-License-Identifier: BSD-3-Clause
"""Daemons of the distribution in a host of the lab, and transfers with a checksum.

    with ftp_server(lab, "srv", SERVER, "vsftpd") as folder:      # folder/up can be written to
        ftp_curl(lab, "cli", folder, SERVER, "--disable-epsv")
"""
import contextlib
import hashlib
import random
import re
import subprocess

from twlab.wait import Timeout, wait_until

CONTENT = random.Random(2).randbytes(300_000)


def digest(data):
    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def daemon(lab, host, name, argv, udp=False, listens=()):
    """A daemon in the foreground, from when it listens on all of `listens` ("ADDRESS:PORT")."""
    path = lab.dir / f"{name}.out"
    with open(path, "wb") as log:
        process = lab.popen(host, *argv, stdout=log, stderr=log, cwd=lab.dir)

    def listening():
        if process.poll() is not None:
            raise Timeout(f"{name} ended with {process.returncode}: {path.read_text()}")
        out = lab.run(host, "ss", "-Hln", "-u" if udp else "-t").stdout.split()
        return all(endpoint in out for endpoint in listens)

    try:
        wait_until(listening, 10, lambda: f"{name} listens: {path.read_text()}")
        yield process
    finally:
        process.kill()
        process.wait()


def folder_of(lab, name):
    """A folder that daemons without rights can read, with one that they can write to."""
    folder = lab.dir / name
    (folder / "up").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    (folder / "up").chmod(0o777)
    (folder / "file").write_bytes(CONTENT)
    (folder / "file").chmod(0o644)
    return folder


# ---- FTP ----
@contextlib.contextmanager
def ftp_server(lab, host, address, name, **more):
    """vsftpd as it is delivered, which refuses data connections that are not the client's own.
    => its folder."""
    folder = folder_of(lab, f"{name}.files")
    empty = lab.dir / "empty"
    empty.mkdir(exist_ok=True)
    v6 = ":" in address
    listens = f"[{address}]:21" if v6 else f"{address}:21"
    settings = {"listen": "NO" if v6 else "YES", "listen_ipv6": "YES" if v6 else "NO",
                "listen_address6" if v6 else "listen_address": address, "background": "NO",
                "anonymous_enable": "YES", "anon_root": folder, "write_enable": "YES",
                "anon_upload_enable": "YES", "anon_umask": "022", "connect_from_port_20": "YES",
                "secure_chroot_dir": empty, "seccomp_sandbox": "NO", "xferlog_enable": "NO", **more}
    path = lab.dir / f"{name}.conf"
    path.write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
    with daemon(lab, host, name, ["vsftpd", path], listens=[listens]):
        yield folder


def _exchange(lab, folder, upload, download):
    """Upload, download: both arrive whole."""
    source, target = lab.dir / "send", lab.dir / "got"
    source.write_bytes(CONTENT[::-1])
    for done in (folder / "up" / "new", target):
        done.unlink(missing_ok=True)
    out = upload(source)
    assert out.returncode == 0, out.stdout
    # The client may be told that all is well a moment before the server has closed its file.
    wait_until(lambda: (folder / "up" / "new").exists() and
               digest((folder / "up" / "new").read_bytes()) == digest(CONTENT[::-1]), 5,
               "the upload is whole")
    out = download(target)
    assert out.returncode == 0, out.stdout
    assert digest(target.read_bytes()) == digest(CONTENT)


def curl(lab, host, *args):
    return lab.run(host, "curl", "-sS", "-v", "--max-time", "20", *args, check=False)


def ftp_curl(lab, host, folder, address, *options):
    url = f"ftp://[{address}]" if ":" in address else f"ftp://{address}"
    _exchange(lab, folder, lambda path: curl(lab, host, *options, "-T", path, f"{url}/up/new"),
              lambda path: curl(lab, host, *options, "-o", path, f"{url}/file"))


def ftp_lftp(lab, host, folder, address, *options):
    settings = ("net:max-retries 1", "net:timeout 8", "ftp:ssl-allow no", "ftp:verify-address yes", *options)
    begin = "".join(f"set {s}; " for s in settings)

    def run(command):
        return lab.run(host, "lftp", "--norc", "-d", "-c", f"{begin}open {address}; {command}", check=False)

    _exchange(lab, folder, lambda path: run(f"put {path} -o up/new"),
              lambda path: run(f"get file -o {path}"))


# ---- TFTP ----
@contextlib.contextmanager
def tftp_server(lab, host, address):
    folder = folder_of(lab, f"tftp-{host}")
    with daemon(lab, host, "tftpd", ["in.tftpd", "-L", "-4", "-c", "-a", f"{address}:69", "-s", folder],
                udp=True, listens=[f"{address}:69"]):
        yield folder


def tftp_curl(lab, host, folder, address, *options):
    url = f"tftp://{address}"
    _exchange(lab, folder, lambda path: curl(lab, host, *options, "-T", path, f"{url}/up/new"),
              lambda path: curl(lab, host, *options, "-o", path, f"{url}/file"))


# ---- STUN ----
@contextlib.contextmanager
def stun_server(lab, host, addresses):
    """coturn on two addresses and two ports, as RFC 5780 asks for."""
    argv = ["turnserver", "-n", "-S", "-z", "--no-tls", "--no-dtls", "--no-tcp", "--no-cli",
            "--no-software-attribute", "-l", "stdout", "--pidfile", lab.dir / "turnserver.pid", "-b",
            lab.dir / "turndb"]
    for address in addresses:
        argv += ["-L", address]
    with daemon(lab, host, "turnserver", argv, udp=True,
                listens=[f"{a}:{port}" for a in addresses for port in (3478, 3479)]):
        yield


def nat_type(lab, host, what, local, server):
    """turnutils_natdiscovery: `what` is "-m" (mapping) or "-f" (filtering). => its verdict."""
    out = lab.run(host, "turnutils_natdiscovery", what, "-L", local, server, check=False, timeout=60,
                  stdin=subprocess.DEVNULL).stdout
    found = re.findall(r"NAT with (.*)!", out)
    assert len(found) == 1, out
    return found[0]

# SPDX-License-Identifier: BSD-3-Clause
"""FTP: vsftpd at the server, and curl with an active data connection, which the server opens."""
from .download import Download, blocks
from .topology import SERVER
from .wait import wait_until


class FtpServer:
    """Serves one file of `size` bytes."""

    def __init__(self, lab, size):
        self.size = size
        folder, empty = lab.dir / "ftp", lab.dir / "ftp-empty"
        for path in (folder, empty):
            path.mkdir(exist_ok=True)
        with open(folder / "file", "wb") as file:
            for piece in blocks(size):
                file.write(piece)
        settings = {"listen": "YES", "listen_ipv6": "NO", "listen_address": SERVER, "background": "NO",
                    "anonymous_enable": "YES", "anon_root": folder, "connect_from_port_20": "YES",
                    "secure_chroot_dir": empty, "seccomp_sandbox": "NO", "xferlog_enable": "NO"}
        path = lab.dir / "vsftpd.conf"
        path.write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
        self.process = lab.popen("srv", "vsftpd", path)
        wait_until(lambda: f"{SERVER}:21" in lab.run("srv", "ss", "-ltnH").stdout, 5, "vsftpd listens")

    def close(self):
        self.process.kill()
        self.process.wait()


class FtpDownload(Download):
    """The file, slowly, by PORT."""

    def __init__(self, lab, server, rate, timeout=120):  # pylint: disable=super-init-not-called
        self._begin(lab, "cli", server.size, "--max-time", timeout, "--ftp-port", "-", "--disable-eprt",
                    "--limit-rate", rate, f"ftp://{SERVER}/file")

# SPDX-License-Identifier: BSD-3-Clause
"""Start and end of one daemon: refusals with a one-line reason, signals, saving (MGT-05)."""
import contextlib
import os
import random
import re
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from conftest import HELLO_MS
from twlab.box import Box, program
from twlab.config import to_text
from twlab.wait import wait_until

MiB = 1 << 20


def refused(box, *words, args=(), text=None):
    """The daemon must refuse: non-zero exit code, one line, with these words in it.  What a start had
    to log until then is not counted: only what is found late comes behind a self-test."""
    code, err = box.fails_to_start(*args, text=text)
    assert code not in (0, None) and code > 0, f"exit code {code}: {err}"
    said = [line for line in err.rstrip("\n").split("\n")
            if not re.match(rf"(info|notice|warning) {box.name}: ", line)]
    assert len(said) == 1 and said[0].startswith("twinwalld: "), f"one line: {err}"
    for word in words:
        assert re.search(word, said[0]), f"'{word}' is missing in: {err}"


def test_check_accepts_the_lab_configuration(one_box):
    one_box.write_config()
    done = one_box.launch("--check", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out, _ = done.communicate(timeout=10)
    assert done.returncode == 0, out.decode()
    assert b"valid" in out


def test_DOS_01_check_names_rules_that_never_decide(one_box):
    one_box.config["security_policy"]["rules"] += [
        {"name": "all", "action": "deny"}, {"name": "late", "action": "permit"}]
    one_box.write_config()
    done = one_box.launch("--check", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out, _ = done.communicate(timeout=10)
    assert done.returncode == 0 and b"valid" in out, out.decode()
    assert re.search(rb"warning: [^\n]*:\d+: [^\n]*rules\[late\][^\n]*rule all in line \d+", out)


def too_many_source_ports(config):
    services = [{"protocol": "udp", "source_port": str(port)} for port in range(1, 1001)]
    config["security_policy"]["rules"] += [
        {"name": f"r{i}", "services": services, "action": "deny"} for i in range(33)]


WRONG = [  # change -> words of the reason: file, line, setting, what was expected
    ("unknown setting", lambda c: c["system"].update(nonsense=1), "nonsense"),
    ("wrong type", lambda c: c["system"].update(memory_mb="much"), "memory_mb"),
    ("unknown port", lambda c: c["interfaces"][0].update(port="p9"), "port"),
    ("unknown zone", lambda c: c["interfaces"][0].update(zone="nowhere"), "zone"),
    ("no worker", lambda c: c["system"].update(worker_cpus=[]), "worker_cpus"),
    ("wrong lcore", lambda c: c["system"].update(worker_cpus=[0, 999]), "worker_cpus"),
    ("more memory than the machine has", lambda c: c["system"].update(memory_mb=1 << 20),
     "memory_mb: 1048576 MiB are more than this machine has, expected at most"),
    ("workers that poll on one CPU", lambda c: c["system"].update(
        idle="poll", worker_cpus=[1, 1]), r"worker_cpus\[|control_cpu"),
    ("unknown driver", lambda c: c["ports"][0].update(devargs="net_foo0,iface=in0"),
     r"ports\[p1\]\.devargs: DPDK has no network driver for \"net_foo0\", expected"),
    ("driver of another kind", lambda c: c["ports"][0].update(devargs="crypto_null0"),
     r"ports\[p1\]\.devargs: DPDK has no network driver for \"crypto_null0\", expected"),
    ("argument that prints help", lambda c: c["system"].update(eal=["--help"]), r"eal\[0\]"),
    ("wrong control CPU", lambda c: c["system"].update(control_cpu=999), "control_cpu"),
    ("virtual IP without interface", lambda c: c["vrrp"][0].update(interface="X"), "interface"),
    ("policy that is too large", too_many_source_ports,
     r"security_policy\.rules: more services with source ports or addresses than fit, expected"),
    ("hello out of bounds", lambda c: c["hrp"].update(hello_ms=5), "hello_ms"),
]


@pytest.mark.parametrize("change,word", [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_R_wrong_setting_is_refused_with_its_line(one_box, change, word):
    change(one_box.config)
    where = re.escape(str(one_box.config_path)) + r":\d+: "
    refused(one_box, where, word, args=("--check",))
    refused(one_box, where, word)


def test_broken_file_is_refused_with_its_line(one_box):
    text = to_text(one_box.config)
    refused(one_box, re.escape(str(one_box.config_path)) + r":\d+", text=text[:len(text) // 2])


def test_missing_file_is_refused(one_box):
    one_box.write_config()
    one_box.config_path.unlink()
    process = one_box.launch(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, err = process.communicate(timeout=10)
    assert process.returncode > 0 and str(one_box.config_path) in err.decode()


def test_missing_port_is_refused(one_box):
    where = re.escape(str(one_box.config_path)) + r":\d+: ports\[p1\]\.devargs: "
    for devargs, why in (
            ("net_af_packet0,iface=nothere,qpairs=2", "there is no kernel interface nothere"),
            ("ffff:ff:1f.7", "there is no PCI device ffff:ff:1f.7"),
            ("net_af_packet0,iface=in0,qpairs=2,nokey=1", "the driver refuses device net_af_packet0"),
            ("net_af_packet0,iface=in0", "asks for 1 queues, expected qpairs=2"),
            ("net_pcap0,iface=in0", "2 queues are needed"),
            ("net_memif0,socket=/nonexistent/sock", "start: the driver refuses")):
        one_box.config["ports"][0]["devargs"] = devargs
        refused(one_box, where + why)


def test_missing_port_says_more_with_debug(one_box):
    one_box.config["ports"][0]["devargs"] = "net_af_packet0,iface=in0,qpairs=2,nokey=1"
    code, err = one_box.fails_to_start("--debug")
    assert code == 1 and err.splitlines()[-1].startswith("twinwalld: "), err
    assert "debug FW1: dpdk: EAL: " in err, err


def test_wrong_eal_argument_is_refused(one_box):
    one_box.config["system"]["eal"] = ["--nonsense"]
    refused(one_box, r"system\.eal: DPDK refuses the arguments")


def test_X35_too_little_memory_is_refused(one_box):
    system = one_box.config["system"]
    system.update(memory_mb=64)
    refused(one_box, r"system\.memory_mb: 64 MiB do not hold the tables \(routes 64, ",
            args=("--check",))
    system.update(memory_mb=154, sessions=300_000)  # enough on paper only
    refused(one_box, r"system\.memory_mb: 154 MiB(:| do not hold) ")


def test_X35_more_hugepages_than_are_free_are_refused_at_once(one_box):
    one_box.config["system"].update(
        hugepages=True, memory_mb=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MiB)
    start = time.monotonic()
    refused(one_box, r"memory_mb: \d+ MiB are wanted, \d+ MiB of hugepages are free")
    assert time.monotonic() - start < 2


@contextlib.contextmanager
def memory_limit(mb):
    """This process, and what it starts, in a control group with this limit."""
    root = Path("/sys/fs/cgroup")
    groups = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())
    old, name = ((root / "memory" / groups["memory"][1:], "memory.limit_in_bytes")
                 if "memory" in groups else (root / groups.get("", "/")[1:], "memory.max"))
    own = old / f"twinwall-{os.getpid()}"
    try:
        own.mkdir()
    except OSError as e:
        pytest.skip(f"no control group can be made: {e}")
    try:
        if not (own / name).exists():
            pytest.skip("the memory controller is off")
        (own / name).write_text(str(mb * MiB))
        (own / "cgroup.procs").write_text(str(os.getpid()))
        yield
    finally:
        (old / "cgroup.procs").write_text(str(os.getpid()))
        own.rmdir()


def test_X35_more_than_the_service_may_use_is_refused(one_box):
    one_box.write_config()
    wanted = one_box.config["system"]["memory_mb"]
    with memory_limit(wanted - 1):  # not in the lab: a host of it has a /sys of its own, without groups
        done = subprocess.run([program("twinwalld"), "-c", one_box.config_path], text=True, timeout=20,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    assert done.returncode > 0 and re.fullmatch(
        rf"twinwalld: .*system\.memory_mb: {wanted} MiB are wanted, the service or container may use "
        rf"{wanted - 1} MiB: .*\n", done.stderr), done


def test_two_workers_on_one_cpu_are_told(one_box):
    one_box.config["system"]["worker_cpus"] = [1, 1]
    one_box.start()
    assert "warning FW1: system.worker_cpus: CPU 1 has two workers" in one_box.log()


def test_second_daemon_on_the_same_ports_is_refused(one_box):
    """With sockets of its own, so that only the port is shared."""
    one_box.start()
    other = Box(one_box.lab, one_box.host, HELLO_MS)
    other.config_path = one_box.config_path.with_name("other.conf")
    other.config["system"].update({k: one_box.config["system"][k] + ".other"
                                   for k in ("console_socket", "json_socket")})
    refused(other, r"ports\[p1\]\.devargs: kernel interface in0 is in use by a running daemon, "
            f"process {one_box.pid}$")
    assert one_box.command("display version")[0] == 0
    one_box.kill()  # and whatever it died of, the next one starts
    one_box.start()


def test_second_start_is_refused_and_harms_nothing(one_box):
    one_box.start()
    pid = one_box.pid
    process = one_box.launch(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, err = process.communicate(timeout=10)
    assert process.returncode > 0
    assert "in use" in err.decode(), err.decode()
    assert one_box.pid == pid and one_box.command("display version")[0] == 0


def test_starts_over_stale_sockets(one_box):
    """What a killed daemon leaves behind does not stop the next one."""
    one_box.start()
    one_box.kill()
    one_box.start()
    assert one_box.command("display version")[0] == 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_ends_within_two_seconds(one_box, signum):
    one_box.start()
    start = time.monotonic()
    one_box.signal(signum)
    assert one_box.process.wait(5) == 0
    assert time.monotonic() - start < 2
    for setting in ("console_socket", "json_socket"):
        assert not os.path.exists(one_box.config["system"][setting]), "socket left behind"


def test_MGT_03_sockets_are_the_owners_only(one_box):
    one_box.start()
    for setting in ("console_socket", "json_socket"):
        mode = os.stat(one_box.config["system"][setting]).st_mode
        assert stat.S_ISSOCK(mode) and mode & 0o007 == 0, oct(mode)


def test_log_is_one_line_per_event(one_box):
    one_box.start()
    one_box.terminate()
    for line in one_box.log().splitlines():
        assert line.isprintable(), line


SAVES = 12


def test_MGT_05_killed_while_saving(one_box):
    """kill -9 at random points of endless saves: the file is whole, old or new, and starts."""
    one_box.start()
    old = None
    for _ in range(SAVES):
        saver = one_box.console()
        saver.sendall(b"save\n" * 200)
        time.sleep(random.uniform(0.001, 0.05))
        one_box.kill()
        saver.close()
        text = one_box.config_path.read_text()
        assert text.count("{") == text.count("}") > 5, "cut"
        check = one_box.launch("--check", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, _ = check.communicate(timeout=10)
        assert check.returncode == 0, out.decode()
        assert old is None or text == old, "the same tree must give the same text"
        with open(one_box.log_path, "ab") as log:
            one_box.process = one_box.launch(stdout=log, stderr=log)
        one_box.lab.note(one_box.name, one_box.process.pid)
        one_box.wait_ready()
        assert one_box.command("save")[0] == 0
        old = one_box.config_path.read_text()
    left = [p.name for p in one_box.config_path.parent.glob(one_box.config_path.name + "*")]
    assert len(left) <= SAVES + 1, left


def test_MGT_05_refused_reload_keeps_the_old_configuration(one_box):
    one_box.start()
    before = one_box.show("display configuration")
    one_box.config["interfaces"][0]["zone"] = "nowhere"
    one_box.write_config()
    code, out = one_box.command("reload")
    assert code == 1 and re.search(r":\d+: .*zone", out), out
    assert one_box.show("display configuration") == before


def test_memory_stays_within_the_configuration(one_box):
    one_box.start()
    status = open(f"/proc/{one_box.pid}/status", encoding="ascii").read()
    rss = int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024
    assert rss < (one_box.config["system"]["memory_mb"] + 128) * MiB


def test_threads_sleep_when_idle(one_box):
    """idle = "sleep": an idle box must leave the CPUs to others."""
    one_box.start()

    def ticks():
        fields = open(f"/proc/{one_box.pid}/stat", encoding="ascii").read().rsplit(")")[1].split()
        return int(fields[11]) + int(fields[12])
    start, first = time.monotonic(), ticks()
    wait_until(lambda: time.monotonic() - start > 1, 2, "a second of idling")
    used = (ticks() - first) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - start)
    assert used < 1.0, f"{used:.2f} CPUs for nothing"

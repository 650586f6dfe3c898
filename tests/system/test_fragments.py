# SPDX-License-Identifier: BSD-3-Clause
"""Datagrams in fragments through one box and to it, as the kernel cuts them."""
import subprocess

import pytest

from twlab.tool import PYTHON
from twlab.topology import BOX_ADDRESS, BOX_ADDRESS6, SERVER, SERVER6
from twlab.wait import wait_until

PORT = 7003
ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(65535)
    s.sendto(data, peer)
"""
ASK = """
import random, socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
s.settimeout(1)
data = random.Random(1).randbytes(int(sys.argv[3]))
for i in range(5):
    s.send(data)
    try:
        print("same" if s.recv(65535) == data else "different")
        break
    except TimeoutError:
        pass
"""


def ping(lab, target, *more):
    return lab.run("cli", "ping", "-n", "-c", "5", "-i", "0.1", "-W", "1", *more, target,
                   check=False).stdout


@pytest.fixture
def one_box(one_box):
    """Service ports by libpcap: with af_packet the kernel puts IPv4 fragments together before it
    hands them over (the driver's fan-out asks for that)."""
    one_box.config["system"]["worker_cpus"] = [0]
    for i, (port, name) in enumerate(zip(one_box.config["ports"], ("in0", "hb0", "out0"))):
        if name != "hb0":
            port["devargs"] = f"net_pcap{i},rx_iface_in={name},tx_iface={name}"
    return one_box


@pytest.fixture(autouse=True)
def resolved(lab, box6):
    """Next hops are known: a first datagram of many fragments would wait for them in vain."""
    for target in (SERVER, SERVER6):
        wait_until(lambda: " 0% packet loss" in ping(lab, target), 10, f"{target} answers")


@pytest.fixture
def echo(lab):
    running = []

    def start(address):
        process = lab.popen("srv", PYTHON, "-c", ECHO, address, PORT, stdout=subprocess.PIPE)
        running.append(process)
        assert process.stdout.readline() == b"ready\n"
    yield start
    for process in running:
        process.kill()
        process.communicate()


def fragment_drops(box):
    return {name: n for name, n in box.drops().items() if name.startswith("frag") and n > 0}


@pytest.mark.parametrize("target", [SERVER, SERVER6])
@pytest.mark.parametrize("size", [3000, 20000])
def test_ping_through_the_box(lab, box6, target, size):
    before = box6.rows("fragment-statistics")[0]["complete"]
    out = ping(lab, target, "-s", size)
    assert " 0% packet loss" in out and "ttl=63" in out, out
    assert box6.rows("fragment-statistics")[0]["complete"] - before == 10
    assert fragment_drops(box6) == {}


@pytest.mark.parametrize("target", [BOX_ADDRESS["fw1"]["in"], BOX_ADDRESS6["fw1"]["in"]])
def test_the_box_answers(lab, box6, target):
    out = ping(lab, target, "-s", 3000)
    assert " 0% packet loss" in out, out


@pytest.mark.parametrize("target", [SERVER, SERVER6])
def test_a_large_datagram_and_its_answer(lab, box6, echo, target):
    echo(target)
    assert lab.run("cli", PYTHON, "-c", ASK, target, PORT, 20000).stdout == "same\n"
    session, = box6.sessions(destination_port=PORT, destination=target)
    assert session["packets_out"] == session["packets_back"]
    assert fragment_drops(box6) == {}


def test_fragments_can_be_switched_off(lab, box6):
    box6.config["fragments"] = {"forward": False}
    box6.write_config()
    assert box6.command("reload")[0] == 0
    out = ping(lab, SERVER, "-s", 3000)
    assert " 0 received" in out, out
    assert box6.drops()["fragment"] >= 15
    assert " 0% packet loss" in ping(lab, SERVER)
    assert "Fragments are dropped" in box6.show("display firewall statistics fragment")

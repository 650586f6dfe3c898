# SPDX-License-Identifier: BSD-3-Clause
"""Frames larger than 1518 bytes through kernel ports, and what `display port` says of them."""
import re

import pytest

from twlab import download
from twlab.topology import BOX_ADDRESS, SERVER, SWITCH

MTU = 9000
RINGS = ",framesz=16384,blocksz=65536,framecnt=128"


@pytest.fixture
def jumbo_box(lab, one_box):
    """FW1 alone with an MTU of 9000 on both sides, configured, not started."""
    for host, port in ((SWITCH, "in-cli"), (SWITCH, "in-fw1"), (SWITCH, "out-srv"),
                       (SWITCH, "out-fw1"), ("cli", "eth0"), ("srv", "eth0"),
                       ("fw1", "in0"), ("fw1", "out0")):
        lab.run(host, "ip", "link", "set", port, "mtu", str(MTU))
    one_box.config["system"].update(memory_mb=512, packet_buffers=8192)
    for port in one_box.config["ports"]:
        if port["name"] != "p2":
            port.update(mtu=MTU, devargs=port["devargs"] + RINGS)
    for interface in one_box.config["interfaces"]:
        if interface["port"] != "p2":
            interface["mtu"] = MTU
    return one_box


def ping(lab, size, *more):
    return lab.run("cli", "ping", "-n", "-M", "do", "-c", "4", "-i", "0.05", "-W", "1", "-s",
                   str(size), *more, check=False).stdout


def test_packets_of_9000_bytes(lab, jumbo_box, servers):
    jumbo_box.start()
    jumbo_box.wait_role("active")
    for size in (56, 1472, 1473, 4000, MTU - 28):
        out = ping(lab, size, SERVER)
        assert " 0% packet loss" in out and "ttl=63" in out, (size, out)
    out = ping(lab, MTU - 28, BOX_ADDRESS["fw1"]["in"])
    assert " 0% packet loss" in out, out
    done = lab.run("cli", "curl", "-sS", "--max-time", "20", "-o", "/dev/null", "-w",
                   "%{size_download}", f"http://{SERVER}:{download.PORT}/5000000/1000000000",
                   check=False)
    assert done.stdout.strip() == "5000000", done.stdout
    rows = {r["port"]: r for r in jumbo_box.rows("port")}
    assert rows["p1"]["mtu"] == MTU and rows["p2"]["mtu"] == 1500
    assert rows["p1"]["buffer_bytes"] >= 16352 and not rows["p1"]["chained"], rows["p1"]
    assert rows["p1"]["driver"] == "net_af_packet" and rows["p1"]["state"] == "up"
    counted = {r["counter"]: r["value"] for r in jumbo_box.rows("port_statistics", port="p1")}
    assert counted["rx_good_packets"] >= 20 and counted["rx_good_bytes"] > 10 * MTU, counted
    assert re.search(r"^ p3 +net_af_packet +up ", jumbo_box.show("display port"), re.M)
    assert "rx_good_packets" in jumbo_box.show("display port statistics p3")


def test_a_kernel_interface_with_too_small_an_mtu_is_refused(lab, jumbo_box):
    lab.run("fw1", "ip", "link", "set", "in0", "mtu", "1500")
    code, err = jumbo_box.fails_to_start()
    assert code == 1, err
    assert "ports[p1].mtu: kernel interface in0 has an MTU of 1500" in err, err


def test_a_driver_that_takes_no_jumbo_frames_is_refused(jumbo_box):
    jumbo_box.config["ports"][0].update(devargs="net_memif0,role=server", mtu=MTU)
    jumbo_box.config["system"]["worker_cpus"] = [0]
    code, err = jumbo_box.fails_to_start()
    assert code == 1, err
    assert "ports[p1].mtu: 9000 bytes: the driver takes 46 to 1500" in err, err

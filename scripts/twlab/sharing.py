# SPDX-License-Identifier: BSD-3-Clause
"""Load sharing whose answers are forced through the other box.

    pair.configure(sharing.share); sharing.start(pair)
    sharing.cross(lab)              # requests by FW1, answers by FW2
    sharing.wait_shared(pair)       # both are active and have each other's sessions
"""
from .config import ROLE
from .download import PORT
from .topology import BOXES, INTERFACE, SIDES
from .wait import wait_until

# The second half: vrid and address, of FW2's Active group.
SECOND = {"in": (3, "10.1.1.4"), "out": (4, "200.1.1.4")}
PUBLIC = "200.1.1.100"  # asked for at FW2, so that answers to translated connections go there, too


def share(config):
    """Both boxes active, each with its half of the ports; downloads are translated."""
    box = config["system"]["name"].lower()
    other = ROLE[BOXES[1 - BOXES.index(box)]]
    config["vrrp"] += [{"vrid": SECOND[s][0], "interface": INTERFACE[s], "virtual_ip": SECOND[s][1] + "/24",
                        "group": other} for s in SIDES]
    config["hrp"].update(preempt=True, preempt_delay_s=1, nat_reclaim_s=1,
                         nat_resource="primary-group" if box == "fw1" else "secondary-group",
                         defer=[{"source_zone": "trust", "destination_zone": "untrust"}])
    translate(config, SECOND["out"][0])


def translate(config, vrid):
    """Downloads get a public address, which that VRRP group answers for."""
    config["nat_address_groups"] = [{"name": "shared", "addresses": [PUBLIC], "vrid": vrid}]
    config["nat_policy"] = {"rules": [{
        "name": "download", "source_zones": ["trust"],
        "services": [{"protocol": "tcp", "destination_port": str(PORT)}],
        "action": "source-nat", "address_group": "shared"}]}


def cross(lab):
    """The server's gateway is FW2's address; the client's is FW1's."""
    lab.run("srv", "ip", "route", "replace", "default", "via", SECOND["out"][1])


def shared(pair):
    """Are both boxes active for their half, with all sessions of the other?"""
    return all(set(box.vrrp().values()) == {"active", "standby"} and box.synchronised() for box in pair)


def wait_shared(pair, seconds=30):
    wait_until(lambda: all(box.pid is not None and box.answers() for box in pair) and shared(pair), seconds,
               lambda: f"both boxes are active and synchronised: {[box.vrrp() for box in pair]}", every=0.05)


def start(pair):
    for box in pair:
        box.start(wait=False)
    for box in pair:
        box.wait_ready()
    wait_shared(pair)

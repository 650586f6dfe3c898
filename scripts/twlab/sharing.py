# SPDX-License-Identifier: BSD-3-Clause
"""Load sharing whose answers are forced through the other box.

    pair.configure(sharing.share); sharing.start(pair)
    sharing.cross(lab)              # requests by FW1, answers by FW2
    sharing.wait_shared(pair)       # both are active and have each other's sessions
"""
from . import watch
from .config import ROLE
from .download import PORT
from .topology import BOXES, INTERFACE, SECOND_VIPS, VIPS
from .wait import wait_until

# FW1 owns the one half of the addresses when all is well, FW2 the other.
HALVES = {"fw1": VIPS, "fw2": SECOND_VIPS}
PUBLIC = "200.1.1.100"  # asked for at FW2, so that answers to translated connections go there, too


def share(config):
    """Both boxes active, each with its half of the ports; downloads are translated."""
    box = config["system"]["name"].lower()
    other = ROLE[BOXES[1 - BOXES.index(box)]]
    config["vrrp"] += [{"vrid": v.vrid, "interface": INTERFACE[v.side], "virtual_ip": v.address + "/24",
                        "group": other} for v in SECOND_VIPS.values()]
    config["hrp"].update(preempt=True, preempt_delay_s=1, nat_reclaim_s=1,
                         nat_resource="primary-group" if box == "fw1" else "secondary-group",
                         defer=[{"source_zone": "trust", "destination_zone": "untrust"}])
    translate(config, SECOND_VIPS["out2"].vrid)


def translate(config, vrid):
    """Downloads get a public address, which that VRRP group answers for."""
    config["nat_address_groups"] = [{"name": "shared", "addresses": [PUBLIC], "vrid": vrid}]
    config["nat_policy"] = {"rules": [{
        "name": "download", "source_zones": ["trust"],
        "services": [{"protocol": "tcp", "destination_port": str(PORT)}],
        "action": "source-nat", "address_group": "shared"}]}


def cross(lab):
    """The server's gateway is FW2's address; the client's is FW1's."""
    lab.run("srv", "ip", "route", "replace", "default", "via", SECOND_VIPS["out2"].address)


def owners(events, faults):
    """Each virtual address while the server's gateway is FW2's (cross()): how it was owned, and
    which box has it when all is well; `faults`: times in ns."""
    seen = [e._replace(vip="out2") if e.kind == "transit" and e.vip == "out" else e for e in events]
    until = max((e.t for e in events if e.kind == "transit"), default=0)
    return [{"address": vip.address, "of": box, **watch.owned(seen, name, half, box, faults, until)}
            for box, half in HALVES.items() for name, vip in half.items()]


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

# SPDX-License-Identifier: BSD-3-Clause
"""The configuration of a box of the lab: a dict that callers change, and its libconfig text."""
from .topology import (BOX_ADDRESS, BOX_ADDRESS6, BOXES, HEARTBEAT_NETWORK, HEARTBEAT_ROUTER, INTERFACE,
                       SIDES, VIPS, peer)

ROLE = {"fw1": "active", "fw2": "standby"}  # VGMP group of each box when all is well


class Long(int):
    """A number to be written as a 64-bit one."""


def box_config(box, run_dir, hello_ms=1000, ports=None):
    """The lab's standard configuration of "fw1" or "fw2": a dict shaped as the file."""
    name = box.upper()
    ports = ports or {"in": "in0", "hb": "hb0", "out": "out0"}
    devargs = {
        "in": f"net_af_packet0,iface={ports['in']},qpairs=2",
        "hb": f"net_af_packet1,iface={ports['hb']}",
        "out": f"net_af_packet2,iface={ports['out']},qpairs=2",
    }
    port = {"in": "p1", "hb": "p2", "out": "p3"}
    zone = {"in": "trust", "hb": "dmz", "out": "untrust"}
    return {
        "version": 1,
        "system": {
            "name": name,
            "management_cpu": 0, "control_cpu": 0, "hrp_cpu": 1, "worker_cpus": [0, 1],
            "idle": "sleep", "idle_sleep_us": 50,
            "memory_mb": 384, "hugepages": False,
            "sessions": 65536,
            "console_socket": f"{run_dir}/{name}.console",
            "json_socket": f"{run_dir}/{name}.json",
        },
        "ports": [{"name": port[s], "devargs": devargs[s]} for s in ("in", "hb", "out")],
        "interfaces": [{"name": INTERFACE[s], "port": port[s],
                        "address": BOX_ADDRESS[box][s] + "/24", "zone": zone[s]}
                       for s in ("in", "hb", "out")],
        "routes": [],
        "security_policy": {
            "default": "deny",
            "rules": [{
                "name": "out",
                "source_zones": ["trust"], "destination_zones": ["untrust"],
                "source_addresses": ["10.1.1.0/24"],
                "services": [{"protocol": "tcp", "destination_port": "1-65535"},
                             {"protocol": "udp"}, {"protocol": "icmp"}],
                "action": "permit",
            }],
        },
        "vrrp": [{"vrid": VIPS[s].vrid, "interface": INTERFACE[s],
                  "virtual_ip": VIPS[s].address + "/24", "group": ROLE[box]} for s in SIDES],
        "hrp": {
            "enable": True,
            "interfaces": [{"interface": INTERFACE["hb"]}],
            "hello_ms": hello_ms, "misses": 3,
            "preempt": False, "preempt_delay_s": 60,
        },
    }


def add_ipv6(config, box):
    """IPv6 beside IPv4 in a configuration of box_config(): addresses, and the same policy."""
    for side in SIDES:
        for interface in config["interfaces"]:
            if interface["name"] == INTERFACE[side]:
                interface["address6"] = [BOX_ADDRESS6[box][side] + "/64"]
        for group in config["vrrp"]:
            if group["vrid"] == VIPS[side].vrid:
                group["virtual_ip6"] = VIPS[side].address6
    rule = next(r for r in config["security_policy"]["rules"] if r["name"] == "out")
    rule["source_addresses"].append("2001:db8:1::/64")
    rule["services"].append({"protocol_number": 58})


def add_second_heartbeat(config):
    """The cable of Lab.second_heartbeat(), second in the order of preference."""
    host = 1 + BOXES.index(config["system"]["name"].lower())
    config["ports"].append({"name": "p4", "devargs": "net_af_packet3,iface=hb1"})
    config["interfaces"].append({"name": INTERFACE["hb1"], "port": "p4", "zone": "dmz",
                                 "address": f"10.10.1.{host}/24"})
    config["hrp"]["interfaces"].append({"interface": INTERFACE["hb1"]})


def heartbeat_rule(zone):
    """The rule that a heartbeat in UDP needs there."""
    return {"name": f"hb-{zone}", "source_zones": ["local", zone], "destination_zones": ["local", zone],
            "services": [{"protocol": "udp", "destination_port": "18514"}], "action": "permit"}


def route_heartbeat(config):
    """The first heartbeat link crosses the router of Lab.route_heartbeat(), in UDP."""
    box = config["system"]["name"].lower()
    for interface in config["interfaces"]:
        if interface["name"] == INTERFACE["hb"]:
            interface["address"] = HEARTBEAT_NETWORK[box] + ".1/24"
    config["hrp"]["interfaces"][0].update(remote=HEARTBEAT_NETWORK[peer(box)] + ".1",
                                          gateway=HEARTBEAT_ROUTER[box])
    config["security_policy"]["rules"].append(heartbeat_rule("dmz"))


def second_opinion(config):
    """Hellos by the inner network as well."""
    box = config["system"]["name"].lower()
    config["hrp"]["interfaces"].append({"interface": INTERFACE["in"], "heartbeat_only": True,
                                        "remote": BOX_ADDRESS[peer(box)]["in"]})
    config["security_policy"]["rules"].append(heartbeat_rule("trust"))


def by_hand(config):
    """Each box keeps the configuration that it has."""
    config["hrp"]["auto_sync_config"] = False


def give_way(config):
    """Without a heartbeat the service network is asked who is active."""
    config["hrp"]["split_brain"] = "yield"


def _value(value, indent):
    pad = "\t" * indent
    if isinstance(value, dict):
        inner = "".join(f"{pad}\t{k} = {_value(v, indent + 1)};\n" for k, v in value.items())
        return "{\n" + inner + pad + "}"
    if isinstance(value, (list, tuple)):
        if value and not any(isinstance(v, (dict, list, tuple)) for v in value):
            return "[ " + ", ".join(_value(v, indent) for v in value) + " ]"
        inner = ",\n".join(f"{pad}\t" + _value(v, indent + 1) for v in value)
        return "(\n" + inner + "\n" + pad + ")" if value else "( )"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Long):
        return f"{int(value)}L"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def to_text(config):
    """libconfig text of a dict: groups are dicts, lists of dicts are lists, others arrays."""
    return "".join(f"{k} = {_value(v, 0)};\n" for k, v in config.items())

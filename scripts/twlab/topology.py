# SPDX-License-Identifier: BSD-3-Clause
"""Names and addresses of the lab.

       cli 10.1.1.10                                      srv 200.1.1.10
            |                                                  |
    [ inside switch ]                                  [ outside switch ]
       |         |                                        |         |
       |         +------------- in0 fw2 out0 -------------|---------+
       |                            hb0                   |
       |                             |                    |
       |                            hb0                   |
       +----------------------- in0 fw1 out0 -------------+
"""
from dataclasses import dataclass

HOSTS = ("cli", "srv", "fw1", "fw2")
BOXES = ("fw1", "fw2")
SWITCH = "sw"
SIDES = ("in", "out")

CLIENT = "10.1.1.10"
SERVER = "200.1.1.10"
CLIENT6 = "2001:db8:1::10"
SERVER6 = "2001:db8:200::10"
HOST_SIDE = {"cli": "in", "srv": "out"}
HOST_ADDRESS = {"cli": CLIENT, "srv": SERVER}
HOST_ADDRESS6 = {"cli": CLIENT6, "srv": SERVER6}


@dataclass(frozen=True)
class Vip:
    """A virtual router of the pair."""

    vrid: int
    address: str
    address6: str | None
    side: str

    @property
    def mac(self):
        return f"00:00:5e:00:01:{self.vrid:02x}"

    @property
    def mac6(self):
        return f"00:00:5e:00:02:{self.vrid:02x}"


# Of IPv6 one of each kind: link-local, and of the subnet.
VIPS = {"in": Vip(1, "10.1.1.1", "fe80::1", "in"),
        "out": Vip(2, "200.1.1.1", "2001:db8:200::1", "out")}

# With load sharing (sharing.py) FW2 has these, and FW1 those above.
SECOND_VIPS = {"in2": Vip(3, "10.1.1.4", None, "in"), "out2": Vip(4, "200.1.1.4", None, "out")}

# The boxes' own addresses: side of the switch -> address; "hb" is the heartbeat link.
BOX_ADDRESS = {
    "fw1": {"in": "10.1.1.2", "out": "200.1.1.2", "hb": "10.10.0.1"},
    "fw2": {"in": "10.1.1.3", "out": "200.1.1.3", "hb": "10.10.0.2"},
}
# IPv6 is off unless a test wants it; for one box alone the gateway is that box's own address.
BOX_ADDRESS6 = {
    "fw1": {"in": "2001:db8:1::2", "out": "2001:db8:200::2"},
    "fw2": {"in": "2001:db8:1::3", "out": "2001:db8:200::3"},
}
# Network of a box's first heartbeat port, and the router there, with Lab.route_heartbeat().
HEARTBEAT_NETWORK = {"fw1": "10.20.1", "fw2": "10.20.2"}
HEARTBEAT_ROUTER = {b: n + ".254" for b, n in HEARTBEAT_NETWORK.items()}
# In the firewall's own words.
INTERFACE = {
    "in": "GigabitEthernet1/0/1",
    "hb": "GigabitEthernet1/0/2",
    "out": "GigabitEthernet1/0/3",
    "hb1": "GigabitEthernet1/0/4",	 # only with Lab.second_heartbeat()
}


def peer(box):
    """The other box of the pair."""
    return BOXES[1 - BOXES.index(box)]


def other_side(side):
    return SIDES[1 - SIDES.index(side)]

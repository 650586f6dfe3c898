/*
 * What a port's devargs say: "0000:3b:00.0,key=value", "net_af_packet0,iface=eth1,qpairs=2".
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#define DEVICE_NAME_MAX 64

/* device_name: the device, as DPDK names its port: without the bus ("pci:", "vdev:") and the
 * arguments, a PCI address always with its domain, in lower case.  Cut at DEVICE_NAME_MAX. */
void device_name(const char *devargs, char name[DEVICE_NAME_MAX]);

/* device_is_pci: a PCI address, as opposed to a virtual device? */
bool device_is_pci(const char *devargs);

/* device_interface: the kernel interface behind it.
 * => 0, with "" when there is none; -EINVAL: no name that an interface can have, or none where the
 *    driver wants one. */
int device_interface(const char *devargs, char name[IFNAMSIZ]);

/* device_queues: receive queues that the arguments ask for, one of each worker on a service port.
 * => -1: only the driver knows. */
int device_queues(const char *devargs);

/* device_frame_size: bytes of a slot of the rings that an af_packet port shares with the kernel.
 * => -1: another driver. */
int device_frame_size(const char *devargs);
#define DEVICE_FRAME_HEAD 80 /* of them lie before an IP packet: tpacket2_hdr, Ethernet */
#define DEVICE_FRAME_ROOM 32 /* so many fewer must fit in a packet buffer */

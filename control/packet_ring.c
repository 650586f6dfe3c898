/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver keeps its sockets to itself; the process knows which files are packet sockets bound to
 * an interface.  The kernel sends a ring to whichever interface the address names.
 */
#include "packet_ring.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

/* => fd is a packet socket bound to the interface. */
static bool
bound_to(int fd, int ifindex)
{
	struct sockaddr_ll at = { 0 };
	socklen_t len = sizeof(at);

	return getsockname(fd, (struct sockaddr *)&at, &len) == 0 && at.sll_family == AF_PACKET &&
	       at.sll_ifindex == ifindex;
}

ssize_t
packet_ring_flush(int ifindex)
{
	const struct sockaddr_ll loopback = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex("lo") };
	ssize_t bytes = 0;
	DIR *files;

	if (loopback.sll_ifindex == 0)
		return -ENETDOWN;
	files = opendir("/proc/self/fd");
	if (files == NULL)
		return -errno;
	for (const struct dirent *file = readdir(files); file != NULL; file = readdir(files)) {
		const int fd = atoi(file->d_name);
		ssize_t n;

		if (!bound_to(fd, ifindex))
			continue;
		n = sendto(fd, NULL, 0, MSG_DONTWAIT, (const struct sockaddr *)&loopback,
			sizeof(loopback));
		if (n < 0 && errno == ENETDOWN) {
			bytes = -ENETDOWN;
			break;
		}
		bytes += n > 0 ? n : 0;
	}
	closedir(files);
	return bytes;
}

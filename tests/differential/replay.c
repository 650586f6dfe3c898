/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends the packets of standard input (struct record) through a machine with two interfaces and
 * prints where it decides otherwise than we do:
 *
 *	replay [-v] CLIENT_IFACE CLIENT_MAC SERVER_IFACE SERVER_MAC
 *
 * The first difference of each list only, since from there on the two know different things:
 *	LIST PACKET pass|drop REASON STATE LABEL	(tabs between; the kernel's verdict, then
 *ours) -v prints every packet.  The last line is the number of packets.
 *
 * Packets go in rounds: one of each list of a batch.  At the end of a round a packet that is known
 * to pass follows; when it has come out, everything before it has come out or never will, because
 * the kernel keeps the order of what one CPU has received.
 */
#include "record.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH	     1000 /* lists */
#define PACKETS	     64	  /* of a list */
#define BARRIER	     (RECORD_LISTS + 1)
#define BARRIER_SIZE 60
#define WAIT_MS	     5000

struct item {
	struct record r;
	uint8_t *frame;
	bool passed;
};

struct replay {
	int fd[2];
	uint8_t mac[2][6]; /* of the machine, on the client's and on the server's side */
	struct item *items;
	size_t count, room;
	uint32_t first;			/* list of the batch */
	size_t at[BATCH][PACKETS];	/* item + 1 */
	uint16_t barrier, barrier_seen; /* identification of the last one */
};

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int
open_side(const char *name)
{
	const int one = 1, size = 64 << 20;
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));

	to.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || to.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die(name);
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		die("setsockopt");
	return fd;
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A frame has come out on a side. */
static void
came_out(struct replay *r, unsigned int side, const uint8_t *f, size_t len)
{
	const uint8_t *ip = f + sizeof(struct ether_header);
	uint32_t list, packet;
	struct item *i;

	if (len < sizeof(struct ether_header) + 20)
		return;
	/* The server's address: destination on its side, source on the client's. */
	list = get32(ip + (side == 1 ? 16 : 12)) - RECORD_SERVER;
	packet = (uint32_t)ip[4] << 8 | ip[5];
	if (list == BARRIER) {
		r->barrier_seen = (uint16_t)packet;
		return;
	}
	list -= r->first;
	if (list >= BATCH || packet >= PACKETS || r->at[list][packet] == 0)
		return;
	i = &r->items[r->at[list][packet] - 1];
	if (i->r.from != side)
		i->passed = true;
}

static void
drain(struct replay *r)
{
	uint8_t f[2048];
	ssize_t n;

	for (unsigned int side = 0; side < 2; side++) {
		while ((n = recv(r->fd[side], f, sizeof(f), MSG_DONTWAIT)) > 0)
			came_out(r, side, f, (size_t)n);
	}
}

static void
barrier(struct replay *r)
{
	static const uint8_t ip[28] = { 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 1, 1, 10, 0,
		0, 0, 0, 0x10, 0, 0x10, 0, 0, 8, 0, 0 };
	uint8_t f[BARRIER_SIZE] = { 0 };
	const uint32_t server = htonl(RECORD_SERVER + BARRIER);
	uint32_t sum = 0;

	memcpy(f, r->mac[0], 6);
	f[6] = 2;
	f[12] = 8;
	memcpy(f + 14, ip, sizeof(ip));
	memcpy(f + 30, &server, 4);
	r->barrier++;
	f[18] = (uint8_t)(r->barrier >> 8);
	f[19] = (uint8_t)r->barrier;
	for (unsigned int i = 14; i < 34; i += 2)
		sum += (uint32_t)f[i] << 8 | f[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	f[24] = (uint8_t)(sum >> 8);
	f[25] = (uint8_t)sum;
	if (send(r->fd[0], f, sizeof(f), 0) != sizeof(f))
		die("send");
	while (drain(r), r->barrier_seen != r->barrier) {
		struct pollfd p = { .fd = r->fd[1], .events = POLLIN };

		if (poll(&p, 1, WAIT_MS) == 0) {
			fprintf(stderr, "replay: a packet that must pass did not come out\n");
			exit(1);
		}
	}
	/* What went to the client before the barrier is in that socket by now. */
	drain(r);
}

static void
send_round(struct replay *r, unsigned int round)
{
	for (unsigned int list = 0; list < BATCH; list++) {
		struct item *i;

		if (r->at[list][round] == 0)
			continue;
		i = &r->items[r->at[list][round] - 1];
		memcpy(i->frame, r->mac[i->r.from], 6);
		if (send(r->fd[i->r.from], i->frame, i->r.len, 0) != i->r.len)
			die("send");
	}
	barrier(r);
}

static void
print(const struct item *i)
{
	printf("%u\t%u\t%s\t%s\t%s\t%s", i->r.list, i->r.packet, i->passed ? "pass" : "drop",
		i->r.reason, i->r.state, i->r.label);
}

static void
compare(const struct replay *r, bool verbose)
{
	for (unsigned int list = 0; list < BATCH; list++) {
		for (unsigned int n = 0; n < PACKETS && r->at[list][n] != 0; n++) {
			const struct item *i = &r->items[r->at[list][n] - 1];

			if (verbose) {
				print(i);
				printf("\t%s %s\n", i->r.from == 0 ? "client" : "server",
					i->r.text);
			} else if (i->passed != i->r.forwarded) {
				print(i);
				putchar('\n');
				break;
			}
		}
	}
}

static void
finish_batch(struct replay *r, bool verbose)
{
	for (unsigned int round = 0; round < PACKETS; round++) {
		unsigned int list = 0;

		while (list < BATCH && r->at[list][round] == 0)
			list++;
		if (list == BATCH)
			break;
		send_round(r, round);
	}
	compare(r, verbose);
	for (size_t i = 0; i < r->count; i++)
		free(r->items[i].frame);
	r->count = 0;
	memset(r->at, 0, sizeof(r->at));
}

/* => false at the end of the input. */
static bool
read_item(struct item *i)
{
	if (fread(&i->r, sizeof(i->r), 1, stdin) != 1)
		return false;
	i->passed = false;
	i->frame = malloc(i->r.len);
	if (i->frame == NULL || fread(i->frame, i->r.len, 1, stdin) != 1)
		die("input");
	return true;
}

static void
lost_nothing(const struct replay *r)
{
	for (unsigned int side = 0; side < 2; side++) {
		struct tpacket_stats s;
		socklen_t len = sizeof(s);

		if (getsockopt(r->fd[side], SOL_PACKET, PACKET_STATISTICS, &s, &len) < 0)
			die("statistics");
		if (s.tp_drops != 0) {
			fprintf(stderr, "replay: %u packets did not fit the socket\n", s.tp_drops);
			exit(1);
		}
	}
}

int
main(int argc, char **argv)
{
	struct replay *r = calloc(1, sizeof(*r));
	const bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	unsigned long total = 0;
	struct item i;
	cpu_set_t cpu;

	argv += verbose;
	if (r == NULL || argc - verbose != 5) {
		fprintf(stderr, "usage: replay [-v] IFACE MAC IFACE MAC\n");
		return 2;
	}
	CPU_ZERO(&cpu);
	CPU_SET((size_t)sched_getcpu(), &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	for (unsigned int side = 0; side < 2; side++) {
		uint8_t *m = r->mac[side];

		r->fd[side] = open_side(argv[1 + 2 * side]);
		if (sscanf(argv[2 + 2 * side], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &m[0], &m[1], &m[2],
			    &m[3], &m[4], &m[5]) != 6)
			return 2;
	}
	for (bool first = true; read_item(&i); total++) {
		if (first)
			r->first = i.r.list;
		first = false;
		if (i.r.list - r->first >= BATCH) {
			finish_batch(r, verbose);
			r->first = i.r.list;
		}
		if (r->count == r->room) {
			r->room = r->room * 2 + 4096;
			r->items = realloc(r->items, r->room * sizeof(*r->items));
			if (r->items == NULL)
				die("memory");
		}
		if (i.r.packet >= PACKETS)
			die("packet number");
		r->items[r->count++] = i;
		r->at[i.r.list - r->first][i.r.packet] = r->count;
	}
	finish_batch(r, verbose);
	lost_nothing(r);
	printf("packets\t%lu\n", total);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sender of `scripts/bench --peers`: UDP frames of many flows out of one interface, as fast as
 * the kernel takes them.  A packet socket past the qdisc, 64 frames a system call.
 *
 *   sender IFACE DESTINATION-MAC FLOWS SECONDS random | new | once | reverse [FIRST]
 *
 * Flow i comes from 10.a.b.c:p, goes to 200.1.1.10:53.  `random`: any of the flows from FIRST on.
 * `new`: every packet is a flow not used before, from FIRST on.  `once`, `reverse`: one packet of
 * each flow, slowly, from the client's or from the server's side.  Prints how many packets it has
 * sent and the nanoseconds it took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
#define PAUSE 200000 /* ns between batches of `once` and `reverse`, which are not to be lost */

struct frame {
	struct ether_header eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t data[18];
} __attribute__((packed));

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "sender: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static int
open_socket(const char *name, struct ether_addr *mac)
{
	const int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	struct ifreq request = { 0 };

	if (fd < 0)
		fail("packet socket");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		fail(name);
	memcpy(mac, request.ifr_hwaddr.sa_data, sizeof(*mac));
	to.sll_ifindex = (int)if_nametoindex(name);
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail(name);
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0)
		fail("qdisc bypass");
	return fd;
}

static void
checksum(struct iphdr *ip)
{
	uint16_t word[sizeof(*ip) / sizeof(uint16_t)];
	uint32_t sum = 0;

	memcpy(word, ip, sizeof(word)); /* its own sum is still 0 */
	for (unsigned int i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	ip->check = (uint16_t)~sum;
}

static void
aim(struct frame *f, uint32_t flow, bool reverse)
{
	const uint32_t client = htonl(0x0a000000U + 256 + flow % 0xffff00U);
	const uint32_t server = htonl(0xc801010aU);
	const uint16_t port = htons((uint16_t)(1024 + flow / 0xffff00U * 7 + flow % 50000));

	struct iphdr ip = { .version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.tot_len = htons(sizeof(*f) - sizeof(f->eth)),
		.saddr = reverse ? server : client,
		.daddr = reverse ? client : server };
	const struct udphdr udp = { .source = reverse ? htons(53) : port,
		.dest = reverse ? port : htons(53),
		.len = htons(sizeof(f->udp) + sizeof(f->data)) };

	checksum(&ip);
	f->ip = ip;
	f->udp = udp;
}

int
main(int argc, char **argv)
{
	static struct frame frames[BATCH];
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	struct ether_addr destination, own;
	uint64_t sent = 0, start, end, random = 88172645463325252ULL;
	uint32_t flows, next;
	bool reverse, slow, in_order;
	int fd;

	if (argc < 6 || argc > 7) {
		fputs("usage: sender IFACE MAC FLOWS SECONDS random|new|once|reverse [FIRST]\n",
			stderr);
		return 2;
	}
	if (sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &destination.ether_addr_octet[0],
		    &destination.ether_addr_octet[1], &destination.ether_addr_octet[2],
		    &destination.ether_addr_octet[3], &destination.ether_addr_octet[4],
		    &destination.ether_addr_octet[5]) != 6) {
		fputs("sender: not a MAC address\n", stderr);
		return 2;
	}
	flows = (uint32_t)strtoul(argv[3], NULL, 10);
	reverse = strcmp(argv[5], "reverse") == 0;
	slow = reverse || strcmp(argv[5], "once") == 0;
	in_order = slow || strcmp(argv[5], "new") == 0;
	next = argc > 6 ? (uint32_t)strtoul(argv[6], NULL, 10) : 0;
	if (!in_order && next >= flows) {
		fputs("sender: no flow from FIRST on\n", stderr);
		return 2;
	}
	fd = open_socket(argv[1], &own);
	for (unsigned int i = 0; i < BATCH; i++) {
		struct frame *f = &frames[i];

		memcpy(f->eth.ether_dhost, &destination, ETH_ALEN);
		memcpy(f->eth.ether_shost, &own, ETH_ALEN);
		f->eth.ether_type = htons(ETHERTYPE_IP);
		parts[i] = (struct iovec){ .iov_base = f, .iov_len = sizeof(*f) };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	start = now_ns();
	end = start + strtoull(argv[4], NULL, 10) * 1000000000U;
	while (now_ns() < end && (!slow || next < flows)) {
		unsigned int n = 0;

		for (unsigned int i = 0; i < BATCH; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			aim(&frames[i],
				in_order ? next++ : next + (uint32_t)(random % (flows - next)),
				reverse);
		}
		while (n < BATCH) {
			const int k = sendmmsg(fd, messages + n, BATCH - n, 0);

			if (k < 0 && errno != ENOBUFS && errno != EAGAIN)
				fail("send");
			n += k > 0 ? (unsigned int)k : 1; /* what the interface refuses is lost */
			sent += k > 0 ? (unsigned int)k : 0;
		}
		if (slow)
			nanosleep(&(struct timespec){ .tv_nsec = PAUSE }, NULL);
	}
	printf("%llu %llu %u\n", (unsigned long long)sent, (unsigned long long)(now_ns() - start),
		next);
	return EXIT_SUCCESS;
}

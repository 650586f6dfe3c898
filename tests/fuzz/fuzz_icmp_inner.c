/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an ICMP error quotes.  Input: type, code, a byte of choices, then the quote.  There are live
 * sessions for it to hit; whatever it says, it must not change them.
 */
#include "fuzz.h"

#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <netinet/in.h>
#include <string.h>

#define CLIENT BOX_IPV4(10, 1, 1, 10)
#define SERVER BOX_IPV4(200, 1, 1, 10)
#define GOOD   (RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD)
#define QUOTE  1400

const uint16_t fuzz_workers = 1;

enum choice { FROM_TRUST = 1, TO_SERVER = 2, SPLIT = 4 };

/* Ethernet and IPv4 in front of `len` bytes at frame + 34. => length of the frame */
static size_t
head(const struct engine_box *b, uint16_t port, uint8_t proto, uint32_t src, uint32_t dst,
	size_t len, uint8_t *frame)
{
	struct rte_ipv4_hdr ip = { .version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + len)),
		.time_to_live = 64,
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(src),
		.dst_addr = rte_cpu_to_be_32(dst) };

	memcpy(frame, &b->ports[port].mac, 6);
	memcpy(frame + 6, "\x02\x00\x00\x00\x00\x01\x08\x00", 8);
	memcpy(frame + RTE_ETHER_HDR_LEN, &ip, sizeof(ip));
	return RTE_ETHER_HDR_LEN + sizeof(ip) + len;
}

/* One packet of the client for each kind of session. */
static void
open_sessions(struct engine_box *b)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_GRE,
		IPPROTO_SCTP };
	uint8_t frame[128];

	for (size_t i = 0; i < RTE_DIM(protocols); i++) {
		size_t len;

		memset(frame, 0, sizeof(frame));
		len = head(b, BOX_TRUST, protocols[i], CLIENT, SERVER, 40, frame);
		if (protocols[i] == IPPROTO_ICMP) {
			frame[34] = 8;
			frame[38] = 7; /* identifier */
		} else {
			memcpy(frame + 34, "\x13\x88\x00\x35", 4); /* 5000 > 53 */
		}
		if (protocols[i] == IPPROTO_TCP)
			memcpy(frame + 46, "\x50\x02", 2); /* SYN */
		if (protocols[i] == IPPROTO_UDP)
			frame[39] = 40;
		if (protocols[i] == IPPROTO_SCTP)
			frame[46] = 1; /* INIT */
		fuzz_feed(b, BOX_TRUST, 0, frame, len, 0, GOOD);
	}
	fuzz_run(b);
	FUZZ_CHECK(session_table_count(engine_sessions(b->engine)) == RTE_DIM(protocols),
		"sessions were not opened");
}

void
fuzz_start(struct engine_box *b)
{
	b->rules[0].services = NULL;
	b->rules[0].service_count = 0;
	engine_box_publish(b);
	open_sessions(b);
}

static uint64_t
fingerprint(const struct session_table *t)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < session_table_capacity(t); i++) {
		const struct session *s = session_table_at(t, i);

		for (unsigned int d = 0; d < 2; d++)
			sum = sum * 31 + s->dir[d].packets * 7 + s->dir[d].bytes * 5 +
			      s->dir[d].tcp_end + s->dir[d].tcp_max_end * 3U;
		sum = sum * 31 + atomic_load(&s->ctl);
		sum = sum * 31 + atomic_load(&s->last_seen);
	}
	return sum * 31 + session_table_count(t);
}

void
fuzz_one(struct engine_box *b, struct fuzz_input *in)
{
	const struct session_table *t = engine_sessions(b->engine);
	const uint64_t before = fingerprint(t);
	const uint8_t type = fuzz_byte(in), code = fuzz_byte(in), choice = fuzz_byte(in);
	const uint16_t port = choice & FROM_TRUST ? BOX_TRUST : BOX_UNTRUST;
	const size_t quote = RTE_MIN(in->size - in->at, (size_t)QUOTE);
	uint8_t frame[2048] = { 0 };
	size_t len;

	len = head(b, port, IPPROTO_ICMP, choice & TO_SERVER ? CLIENT : SERVER,
		choice & TO_SERVER ? SERVER : CLIENT, 8 + quote, frame);
	/* Echo would make sessions. */
	frame[34] = type == 8 || type == 0 ? 3 : type;
	frame[35] = code;
	memcpy(frame + 42, in->data + in->at, quote);
	fuzz_feed(b, port, 0, frame, len, choice & SPLIT ? 60 : 0, GOOD);
	fuzz_run(b);
	FUZZ_CHECK(fingerprint(t) == before, "an ICMP error changed a session");
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures through the engine:  replay FILE.pcap...
 * Each conversation gets addresses of its own: who speaks first is the client, in trust.  Time
 * passes as in the capture.  Prints, per file, how many packets passed and why the others did not.
 */
#include "engine_box.h"
#include "test_eal.h"

#include <rte_ip.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS	   4096
#define FRAME_SIZE 2000 /* what a buffer takes */
#define HEADERS	   94	/* of the longest TCP header */
#define CLIENT	   BOX_IPV4(10, 1, 1, 10)
#define SERVERS	   BOX_IPV4(100, 64, 0, 0)
#define LONGEST_MS 2500000
#define GOOD	   (RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD)

struct flow_key {
	uint32_t addr[2];
	uint16_t port[2];
	uint32_t proto; /* as wide as that leaves no padding: keys are compared as bytes */
};

struct capture {
	FILE *in;
	bool swapped, nanoseconds;
	struct flow_key flows[FLOWS]; /* [0] = who spoke first */
	uint32_t flow_count, number, skipped;
	uint64_t last_ms;
};

static uint32_t
get32(const struct capture *c, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return c->swapped ? rte_bswap32(v) : v;
}

static bool
open_capture(struct capture *c, const char *path)
{
	uint8_t head[24];
	uint32_t magic;

	memset(c, 0, sizeof(*c));
	c->in = fopen(path, "rb");
	if (c->in == NULL || fread(head, sizeof(head), 1, c->in) != 1)
		return false;
	memcpy(&magic, head, sizeof(magic));
	c->swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
	magic = get32(c, head);
	c->nanoseconds = magic == 0xa1b23c4d;
	return (magic == 0xa1b2c3d4 || c->nanoseconds) && get32(c, head + 20) == 1; /* Ethernet */
}

/* => length of the next frame, 0 at the end.  IPv4 packets without options only. */
static size_t
next_frame(struct capture *c, uint8_t frame[FRAME_SIZE], uint64_t *ms)
{
	uint8_t head[16];

	while (fread(head, sizeof(head), 1, c->in) == 1) {
		const uint32_t fraction = get32(c, head + 4), kept = get32(c, head + 8);
		const uint32_t len = get32(c, head + 12);

		c->number++;
		*ms = get32(c, head) * UINT64_C(1000) +
		      fraction / (c->nanoseconds ? 1000000 : 1000);
		if (kept <= len && len <= FRAME_SIZE && kept >= RTE_MIN(len, (uint32_t)HEADERS)) {
			if (fread(frame, kept, 1, c->in) != 1)
				return 0;
			memset(frame + kept, 0, len - kept); /* payload that was not captured */
			if (len >= 42 && frame[12] == 8 && frame[13] == 0 && frame[14] == 0x45)
				return len;
		} else if (fseek(c->in, (long)kept, SEEK_CUR) != 0) {
			return 0;
		}
		c->skipped++;
	}
	return 0;
}

/* Give the packet its conversation's addresses. => the port it comes in by */
static uint16_t
place(struct capture *c, uint8_t *frame)
{
	const bool ports = frame[23] == 6 || frame[23] == 17;
	struct flow_key k = { .proto = frame[23] }, turned;
	rte_be32_t to[2];
	uint32_t i;
	bool back;

	memcpy(k.addr, frame + 26, 8);
	if (ports)
		memcpy(k.port, frame + 34, 4);
	turned = (struct flow_key){
		.addr = { k.addr[1], k.addr[0] }, .port = { k.port[1], k.port[0] }, .proto = k.proto
	};
	for (i = 0; i < c->flow_count; i++) {
		if (memcmp(&c->flows[i], &k, sizeof(k)) == 0 ||
			memcmp(&c->flows[i], &turned, sizeof(k)) == 0)
			break;
	}
	if (i == FLOWS)
		i--;
	if (i == c->flow_count)
		c->flows[c->flow_count++] = k;
	back = memcmp(&c->flows[i], &k, sizeof(k)) != 0;
	to[back] = rte_cpu_to_be_32(CLIENT);
	to[!back] = rte_cpu_to_be_32(SERVERS + i);
	memcpy(frame + 26, to, 8);
	return back ? BOX_UNTRUST : BOX_TRUST;
}

static void
feed(struct engine_box *b, uint16_t port, uint8_t *frame, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pool);

	if (m == NULL)
		rte_exit(1, "out of packet buffers\n");
	memcpy(frame, &b->ports[port].mac, 6);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
	m->ol_flags |= GOOD; /* the addresses are others now */
	if (!engine_box_feed(b, port, 0, m))
		rte_exit(1, "port ring full\n");
	engine_box_poll(b);
	for (uint16_t i = 0; i < BOX_PORTS; i++) {
		while ((m = engine_box_collect(b, i)) != NULL)
			rte_pktmbuf_free(m);
	}
}

static void
report(const char *path, const struct capture *c, const struct worker_stats *before,
	const struct worker_stats *now, const uint32_t *first)
{
	printf("%s: %lu of %lu passed", path, now->forwarded - before->forwarded,
		now->rx - before->rx);
	for (unsigned int r = 1; r < DROP_REASON_COUNT; r++) {
		if (now->drops[r] != before->drops[r])
			printf(", %lu %s (first: packet %u)", now->drops[r] - before->drops[r],
				drop_names[r], first[r]);
	}
	printf("%s\n", c->skipped > 0 ? ", some skipped" : "");
}

static bool
run(struct engine_box *b, const char *path)
{
	static struct capture c;
	uint32_t first[DROP_REASON_COUNT] = { 0 };
	struct worker_stats before, last, now;
	uint8_t frame[FRAME_SIZE];
	uint64_t ms = 0;
	size_t len;

	if (!open_capture(&c, path)) {
		fprintf(stderr, "%s: no capture of Ethernet frames in pcap format\n", path);
		if (c.in != NULL)
			fclose(c.in);
		return false;
	}
	engine_stats(b->engine, &before);
	now = before;
	while ((len = next_frame(&c, frame, &ms)) > 0) {
		if (c.last_ms != 0 && ms > c.last_ms)
			engine_box_wait(b, RTE_MIN(ms - c.last_ms, (uint64_t)LONGEST_MS));
		c.last_ms = ms;
		last = now;
		feed(b, place(&c, frame), frame, len);
		engine_stats(b->engine, &now);
		for (unsigned int r = 1; r < DROP_REASON_COUNT; r++) {
			if (now.drops[r] != last.drops[r] && first[r] == 0)
				first[r] = c.number;
		}
	}
	report(path, &c, &before, &now, first);
	fclose(c.in);
	engine_box_wait(b, LONGEST_MS);
	return true;
}

int
main(int argc, char **argv)
{
	struct engine_box *b;
	int rc = argc < 2 ? 2 : 0;

	if (argc < 2)
		fprintf(stderr, "usage: replay FILE.pcap...\n");
	test_eal_start(256, 1);
	b = engine_box_create(&(struct engine_box_params){ .name = "replay",
		.number = 1,
		.workers = 1,
		.sessions = 2 * FLOWS,
		.buffers = 1024,
		.ring = 64,
		.event_ring = 64 });
	for (int i = 1; i < argc; i++) {
		if (!run(b, argv[i]))
			rc = 1;
	}
	engine_box_destroy(b);
	return rc;
}

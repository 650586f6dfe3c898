/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Generates lists of packets, takes them through our engine and writes packets and verdicts to
 * standard output:  lists SEED FIRST COUNT
 */
#include "engine_box.h"
#include "generate.h"
#include "record.h"
#include "test_eal.h"

#include <rte_ip.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 20000 /* lists before all sessions are let age */

static void
add_neighbour(struct engine_box *b, uint32_t address)
{
	const rte_be32_t a = rte_cpu_to_be_32(address);
	const struct rte_ether_addr mac = engine_box_host_mac(a);

	engine_box_neighbour(b, BOX_TRUST, a, NEIGH_REACHABLE, &mac);
}

static void
describe(const struct packet *p, char *to, size_t size)
{
	static const char letters[] = "FSRPAUEC";
	const struct frame_spec *f = p->f.quote != NULL ? &p->quote : &p->f;
	char flags[9] = "", head[24] = "";
	size_t n = 0;

	if (p->f.quote != NULL)
		snprintf(head, sizeof(head), "icmp %u/%u about ", p->f.type, p->f.code);
	for (unsigned int i = 0; i < 8; i++) {
		if (f->flags >> i & 1)
			flags[n++] = letters[i];
	}
	flags[n] = '\0';
	if (f->kind == FRAME_TCP)
		snprintf(to, size, "%stcp %s seq %u ack %u len %u win %u", head, flags, f->seq,
			f->ack, f->len, f->window);
	else if (f->kind == FRAME_UDP)
		snprintf(to, size, "%sudp %u > %u len %u", head, f->sport, f->dport, f->len);
	else
		snprintf(to, size, "%sicmp type %u id %u len %u", head, f->type, f->id, f->len);
}

static const char *
state_of(const struct engine_box *b, const struct list *l)
{
	struct session_table *t = engine_sessions(b->engine);
	const rte_be16_t sport = rte_cpu_to_be_16(l->sport);
	const rte_be16_t dport =
		l->proto == 1 ? SESSION_ICMP_ECHO_PORT : rte_cpu_to_be_16(l->dport);
	struct session_key4 key;
	const struct session_key4 *keys = &key;
	uint32_t index;
	uint8_t swap = 0;

	session_key4_make(&key, rte_cpu_to_be_32(l->client), rte_cpu_to_be_32(l->server), sport,
		dport, l->proto);
	session_table_lookup4(t, &keys, 1, &index, &swap);
	if (index == SESSION_NONE)
		return "none";
	return session_state_names[session_state_of(atomic_load(&session_table_at(t, index)->ctl))];
}

/* The IPv4 identification says which packet of the list it is. */
static size_t
build(const struct packet *p, uint16_t number, const struct rte_ether_addr *dst,
	uint8_t bytes[FRAME_MAX])
{
	const struct rte_ether_addr src = { { 2, 0, 0, 0, 0, 1 } };
	struct packet copy = *p;
	struct rte_ipv4_hdr ip;
	size_t len;

	if (p->f.quote != NULL)
		copy.f.quote = &copy.quote;
	len = frame_build(&copy.f, dst, &src, bytes);
	memcpy(&ip, bytes + RTE_ETHER_HDR_LEN, sizeof(ip));
	ip.packet_id = rte_cpu_to_be_16(number);
	ip.hdr_checksum = 0;
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(bytes + RTE_ETHER_HDR_LEN, &ip, sizeof(ip));
	return len;
}

/* Take one frame through the engine. => why it was dropped, "pass" */
static const char *
verdict(struct engine_box *b, unsigned int port, const uint8_t *bytes, size_t len)
{
	struct worker_stats before, after;
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pool);

	if (m == NULL)
		rte_exit(1, "out of packet buffers\n");
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
	engine_stats(b->engine, &before);
	if (!engine_box_feed(b, (uint16_t)port, 0, m))
		rte_exit(1, "port ring full\n");
	engine_box_poll(b);
	for (uint16_t i = 0; i < BOX_PORTS; i++) {
		while ((m = engine_box_collect(b, i)) != NULL)
			rte_pktmbuf_free(m);
	}
	engine_stats(b->engine, &after);
	if (after.forwarded == before.forwarded + 1)
		return "pass";
	for (unsigned int r = 1; r < DROP_REASON_COUNT; r++) {
		if (after.drops[r] != before.drops[r])
			return drop_names[r];
	}
	rte_exit(1, "a packet was neither forwarded nor dropped\n");
}

static void
run(struct engine_box *b, uint64_t seed, uint32_t number)
{
	static struct list l;

	generate(&l, seed, number);
	for (unsigned int i = 0; i < l.count; i++) {
		const struct packet *p = &l.packet[i];
		const unsigned int port = p->from == 0 ? BOX_TRUST : BOX_UNTRUST;
		struct record r = {
			.list = number, .packet = (uint16_t)i, .from = (uint8_t)p->from
		};
		uint8_t bytes[FRAME_MAX];
		const char *reason;

		r.len = (uint16_t)build(p, (uint16_t)i, &b->ports[port].mac, bytes);
		snprintf(r.label, sizeof(r.label), "%s", p->label);
		snprintf(r.state, sizeof(r.state), "%s", state_of(b, &l));
		describe(p, r.text, sizeof(r.text));
		reason = verdict(b, port, bytes, r.len);
		snprintf(r.reason, sizeof(r.reason), "%s", reason);
		r.forwarded = strcmp(reason, "pass") == 0;
		fwrite(&r, sizeof(r), 1, stdout);
		fwrite(bytes, r.len, 1, stdout);
	}
}

int
main(int argc, char **argv)
{
	const uint64_t seed = argc == 4 ? strtoull(argv[1], NULL, 10) : 0;
	const uint32_t first = argc == 4 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	const uint32_t count = argc == 4 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	struct engine_box *b;

	if (argc != 4 || count == 0 || first > RECORD_LISTS || count > RECORD_LISTS - first) {
		fprintf(stderr, "usage: lists SEED FIRST COUNT\n");
		return 2;
	}
	test_eal_start(512, 1);
	b = engine_box_create(&(struct engine_box_params){ .name = "diff",
		.number = 1,
		.workers = 1,
		.sessions = 4 * BATCH,
		.buffers = 1024,
		.ring = 64,
		.event_ring = 64 });
	add_neighbour(b, BOX_IPV4(10, 1, 1, 11));
	for (uint32_t i = 0; i < count; i++) {
		run(b, seed, first + i);
		if (i % BATCH == BATCH - 1)
			engine_box_wait(b, 2500 * 1000);
	}
	engine_box_destroy(b);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "core_box.h"

#include <rte_ip.h>
#include <rte_udp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "core box: %s\n", what);
	exit(99);
}

struct core_box *
core_box_create(uint16_t workers)
{
	static unsigned int number;
	struct core_box *b = calloc(1, sizeof(*b));
	char name[8];

	if (b == NULL)
		die("too little memory");
	snprintf(name, sizeof(name), "c%u", number++ % 10000);
	b->box = engine_box_create(&(struct engine_box_params){ .name = name,
		.number = 1,
		.workers = workers,
		.sessions = 4096,
		.buffers = 4096,
		.ring = 2048,
		.event_ring = 1024 });
	engine_box_neighbour(b->box, BOX_TRUST, RTE_BE32(RTE_IPV4(10, 1, 1, 10)), NEIGH_FREE, NULL);
	engine_box_neighbour(
		b->box, BOX_UNTRUST, RTE_BE32(RTE_IPV4(200U, 1, 1, 10)), NEIGH_FREE, NULL);
	engine_box_neighbour(
		b->box, BOX_UNTRUST, RTE_BE32(RTE_IPV4(200U, 1, 1, 254)), NEIGH_FREE, NULL);
	engine_set_vmac(b->box->engine, BOX_TRUST, BOX_VRID(BOX_TRUST), false);
	engine_set_vmac(b->box->engine, BOX_UNTRUST, BOX_VRID(BOX_UNTRUST), false);
	b->core = core_create(&(struct core_params){
		.engine = b->box->engine, .pool = b->box->pool, .name = name });
	if (b->core == NULL)
		die("core_create");
	if (core_virtual_add(b->core, BOX_TRUST, 1, RTE_BE32(RTE_IPV4(10, 1, 1, 1))) < 0 ||
		core_virtual_add(b->core, BOX_UNTRUST, 2, RTE_BE32(RTE_IPV4(200U, 1, 1, 1))) < 0)
		die("core_virtual_add");
	if (core_bind(b->core) < 0)
		die("core_bind");
	core_post_link(b->core, BOX_TRUST, true);
	core_post_link(b->core, BOX_UNTRUST, true);
	core_box_turn(b, 1);
	core_box_discard(b);
	core_box_mark(b);
	return b;
}

unsigned int
core_box_destroy(struct core_box *b)
{
	struct rte_mbuf *m;
	unsigned int lost;

	/* What is on its way in the engine's rings comes out, then nothing may be in use.  The core
	 * does not turn once more: the test's clients may be gone. */
	core_unbind(b->core);
	core_destroy(b->core);
	engine_box_poll(b->box);
	for (uint16_t w = 0; w < engine_worker_count(b->box->engine); w++) {
		while (engine_punt_dequeue(b->box->engine, w, &m, 1) == 1)
			rte_pktmbuf_free(m);
	}
	core_box_discard(b);
	lost = rte_mempool_in_use_count(b->box->pool);
	engine_box_destroy(b->box);
	free(b);
	return lost;
}

void
core_box_turn(struct core_box *b, uint64_t ms)
{
	b->box->now = mono_add_ms(b->box->now, ms);
	engine_box_poll(b->box);
	core_poll(b->core, b->box->now);
	engine_box_poll(b->box);
}

void
core_box_wait(struct core_box *b, uint64_t ms, uint64_t step)
{
	while (ms > 0) {
		const uint64_t now = RTE_MIN(ms, step);

		core_box_turn(b, now);
		ms -= now;
	}
}

void
core_box_feed(struct core_box *b, uint16_t port, const void *frame, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->box->pool);
	char *data = m != NULL ? rte_pktmbuf_append(m, (uint16_t)len) : NULL;

	if (data == NULL)
		die("no packet buffer");
	memcpy(data, frame, len);
	if (!engine_box_feed(b->box, port, 0, m))
		die("port ring full");
}

bool
core_box_sent(struct core_box *b, uint16_t port, struct core_box_frame *f)
{
	struct rte_mbuf *m = engine_box_collect(b->box, port);

	if (m == NULL)
		return false;
	f->len = rte_pktmbuf_data_len(m);
	memcpy(f->bytes, rte_pktmbuf_mtod(m, void *), f->len);
	rte_pktmbuf_free(m);
	return true;
}

void
core_box_discard(struct core_box *b)
{
	for (uint16_t port = 0; port < BOX_PORTS; port++) {
		struct rte_mbuf *m;

		while ((m = engine_box_collect(b->box, port)) != NULL)
			rte_pktmbuf_free(m);
	}
}

void
core_box_mark(struct core_box *b)
{
	core_stats(b->core, &b->before);
}

struct core_stats
core_box_counted(const struct core_box *b)
{
	uint64_t now[sizeof(struct core_stats) / sizeof(uint64_t)];
	uint64_t before[sizeof(struct core_stats) / sizeof(uint64_t)];
	struct core_stats s;

	core_stats(b->core, &s);
	memcpy(now, &s, sizeof(s));
	memcpy(before, &b->before, sizeof(s));
	for (unsigned int i = 0; i < RTE_DIM(now); i++)
		now[i] -= before[i];
	memcpy(&s, now, sizeof(s));
	return s;
}

size_t
core_box_udp(uint8_t frame[CORE_BOX_FRAME], const struct rte_ether_addr *to, rte_be32_t src,
	rte_be32_t dst, uint16_t sport)
{
	const uint16_t payload = 18;
	const struct rte_ether_hdr eth = { .dst_addr = *to,
		.src_addr = engine_box_host_mac(src),
		.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4) };
	struct rte_udp_hdr udp = { .src_port = rte_cpu_to_be_16(sport),
		.dst_port = RTE_BE16(53),
		.dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(udp) + payload)) };
	struct rte_ipv4_hdr ip = { .version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + sizeof(udp) + payload)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = src,
		.dst_addr = dst };

	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memset(frame, 0, 64);
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), &ip, sizeof(ip));
	memcpy(frame + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
	return sizeof(eth) + sizeof(ip) + sizeof(udp) + payload;
}

enum neigh_state
core_box_neighbour(const struct core_box *b, uint16_t interface, rte_be32_t address,
	struct rte_ether_addr *mac)
{
	const struct neigh_table *t = engine_neighbours(b->box->engine);
	const uint32_t index = neigh_find(t, interface, address);
	uint64_t word;

	if (index == NEIGH_NONE)
		return NEIGH_FREE;
	word = atomic_load(&neigh_at(t, index)->word);
	if (mac != NULL)
		neigh_word_mac(word, mac);
	return neigh_word_state(word);
}

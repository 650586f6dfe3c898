/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notices that the flow tests cannot bring about: IPv4 options in the quotation, no buffer, no
 * address of ours.  A whole engine, whose worker is called in place.
 */
#include "egress.h"
#include "engine_box.h"
#include "notice_send.h"
#include "test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define BUFFERS	      64
#define TIME_EXCEEDED 11
#define QUOTE_AT      (RTE_ETHER_HDR_LEN + 28)

static struct engine_box *box;
static struct worker *worker;

static int
setup(void **state)
{
	(void)state;
	box = engine_box_create(&(struct engine_box_params){ .name = "say",
		.number = 1,
		.workers = 1,
		.sessions = 64,
		.buffers = BUFFERS,
		.ring = 64,
		.event_ring = 64 });
	engine_box_poll(box);
	worker = engine_worker(box->engine, 0);
	worker->owner = true;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	engine_box_destroy(box);
	return 0;
}

/* From a host in trust, `opt_len` bytes of options and `payload` bytes of UDP. */
static void
packet(struct pkt *p, uint16_t opt_len, uint16_t payload, uint16_t fragment)
{
	const uint16_t header = (uint16_t)(sizeof(struct rte_ipv4_hdr) + opt_len);
	const uint16_t len = (uint16_t)(header + sizeof(struct rte_udp_hdr) + payload);
	struct rte_mbuf *m = rte_pktmbuf_alloc(box->pool);
	uint8_t *frame = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(RTE_ETHER_HDR_LEN + len));
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(frame + RTE_ETHER_HDR_LEN);

	if (frame == NULL)
		abort();
	for (uint16_t i = 0; i < RTE_ETHER_HDR_LEN + len; i++)
		frame[i] = (uint8_t)(2 * i);
	*ip = (struct rte_ipv4_hdr){ .version_ihl = (uint8_t)(0x40 | header / 4),
		.total_length = rte_cpu_to_be_16(len),
		.fragment_offset = rte_cpu_to_be_16(fragment),
		.time_to_live = 1,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = RTE_BE32(BOX_IPV4(10, 1, 1, 10)),
		.dst_addr = RTE_BE32(BOX_IPV4(200, 1, 1, 10)) };
	*p = (struct pkt){ .m = m,
		.ip = ip,
		.port = BOX_TRUST,
		.interface = BOX_TRUST,
		.ip_len = len,
		.l4_off = header,
		.family = 4,
		.proto = IPPROTO_UDP };
}

/* => the notice, to be freed; NULL: nothing was said.  `before`: the packet as it was */
static struct rte_mbuf *
told(struct pkt *p, uint8_t before[2048])
{
	struct egress e;

	memcpy(before, p->l3, p->ip_len);
	notice_drop(worker, p, DROP_ttl, &e);
	engine_box_poll(box);
	return engine_box_collect(box, BOX_TRUST);
}

static void
options_are_quoted_and_cost_room(void **state)
{
	static const uint16_t lengths[] = { 0, 4, 40 };
	uint8_t before[2048];
	struct rte_mbuf *m;
	struct pkt p;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(lengths); i++) {
		packet(&p, lengths[i], 100, 0);
		m = told(&p, before);
		assert_non_null(m);
		assert_int_equal(m->pkt_len, QUOTE_AT + 128 + lengths[i]);
		assert_int_equal(*rte_pktmbuf_mtod_offset(m, uint8_t *, 34), TIME_EXCEEDED);
		assert_memory_equal(
			rte_pktmbuf_mtod_offset(m, uint8_t *, QUOTE_AT), before, 128u + lengths[i]);
		rte_pktmbuf_free(m);
		packet(&p, lengths[i], 1000, 0);
		m = told(&p, before);
		assert_non_null(m);
		assert_int_equal(m->pkt_len, RTE_ETHER_HDR_LEN + 576);
		assert_memory_equal(rte_pktmbuf_mtod_offset(m, uint8_t *, QUOTE_AT), before, 548);
		rte_pktmbuf_free(m);
	}
}

static void
only_the_first_fragment_is_told_of(void **state)
{
	uint8_t before[2048];
	struct rte_mbuf *m;
	struct pkt p;

	(void)state;
	packet(&p, 0, 100, RTE_IPV4_HDR_MF_FLAG);
	m = told(&p, before);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	packet(&p, 0, 100, RTE_IPV4_HDR_MF_FLAG | 32);
	assert_null(told(&p, before));
	packet(&p, 0, 100, 32);
	assert_null(told(&p, before));
}

static void
without_a_buffer_it_is_counted(void **state)
{
	struct rte_mbuf *kept[BUFFERS];
	struct worker_stats s, after;
	uint8_t before[2048];
	struct pkt p;
	unsigned int n = 0;

	(void)state;
	packet(&p, 0, 100, 0);
	while (n < RTE_DIM(kept) && (kept[n] = rte_pktmbuf_alloc(box->pool)) != NULL)
		n++;
	engine_stats(box->engine, &s);
	assert_null(told(&p, before));
	engine_stats(box->engine, &after);
	assert_int_equal(after.notices_lost, s.notices_lost + 1);
	assert_int_equal(after.drops[DROP_ttl], s.drops[DROP_ttl] + 1);
	rte_pktmbuf_free_bulk(kept, n);
	assert_int_equal(rte_mempool_in_use_count(box->pool), 0);
}

/* An interface with virtual addresses only speaks from one that is active, or not at all. */
static void
without_an_address_of_its_own_a_virtual_one_speaks(void **state)
{
	struct snapshot *s = worker->engine->snapshot;
	struct snapshot_interface *in = &s->interfaces[BOX_TRUST];
	const rte_be32_t own = in->address;
	uint8_t before[2048];
	struct rte_mbuf *m;
	struct pkt p;

	(void)state;
	in->address = 0;
	s->addresses[0].interface = s->addresses[1].interface = BOX_TRUST;
	for (uint16_t i = 0; i < s->address_count; i++) {
		if (s->addresses[i].address == own)
			s->addresses[i].interface = BOX_HEARTBEAT;
	}
	packet(&p, 0, 100, 0);
	m = told(&p, before);
	assert_non_null(m);
	assert_int_equal(
		rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN)->src_addr,
		RTE_BE32(BOX_IPV4(10, 1, 1, 1)));
	rte_pktmbuf_free(m);
	engine_set_vmac(box->engine, BOX_TRUST, BOX_VRID(BOX_TRUST), false);
	packet(&p, 0, 100, 0);
	assert_null(told(&p, before));
	engine_set_vmac(box->engine, BOX_TRUST, BOX_VRID(BOX_TRUST), true);
	engine_box_publish(box);
	engine_box_poll(box);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_quoted_and_cost_room),
		cmocka_unit_test(only_the_first_fragment_is_told_of),
		cmocka_unit_test(without_a_buffer_it_is_counted),
		cmocka_unit_test(without_an_address_of_its_own_a_virtual_one_speaks),
	};

	test_eal_start(128, 1);
	return cmocka_run_group_tests_name("notice_send", tests, setup, teardown);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pieces of IPv4 packets with options and of fragments, which the flow tests cannot feed.  A whole
 * engine, whose worker is called in place.
 */
#include "egress.h"
#include "engine_box.h"
#include "ip_fragment.h"
#include "test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MTU	600
#define PAYLOAD 1400
#define OPTIONS 12

static struct engine_box *box;
static struct worker *worker;

/* Router alert is copied to every fragment, record route only to the first (RFC 791 3.1). */
static const uint8_t options[OPTIONS] = { 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 0 };

static int
setup(void **state)
{
	(void)state;
	box = engine_box_create(&(struct engine_box_params){ .name = "cut",
		.number = 1,
		.workers = 1,
		.sessions = 64,
		.buffers = 64,
		.ring = 64,
		.event_ring = 64 });
	box->mtu[BOX_UNTRUST] = MTU;
	engine_box_publish(box);
	engine_box_poll(box);
	worker = engine_worker(box->engine, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	engine_box_destroy(box);
	return 0;
}

/* A packet of protocol 253 whose payload is the low byte of each place. */
static struct rte_mbuf *
packet(struct pkt *p, uint16_t fragment, const uint8_t *opt, uint16_t opt_len)
{
	const uint16_t header = (uint16_t)(sizeof(struct rte_ipv4_hdr) + opt_len);
	const uint16_t len = (uint16_t)(header + PAYLOAD);
	struct rte_mbuf *m = rte_pktmbuf_alloc(box->pool);
	uint8_t *frame = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(RTE_ETHER_HDR_LEN + len));
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(frame + RTE_ETHER_HDR_LEN);

	if (frame == NULL)
		abort();
	memset(frame, 0, RTE_ETHER_HDR_LEN);
	frame[12] = 0x08;
	*ip = (struct rte_ipv4_hdr){ .version_ihl = (uint8_t)(0x40 | header / 4),
		.total_length = rte_cpu_to_be_16(len),
		.packet_id = RTE_BE16(77),
		.fragment_offset = rte_cpu_to_be_16(fragment),
		.time_to_live = 9,
		.next_proto_id = 253,
		.src_addr = RTE_BE32(BOX_IPV4(10, 1, 1, 10)),
		.dst_addr = RTE_BE32(BOX_IPV4(200, 1, 1, 10)) };
	memcpy(ip + 1, opt, opt_len);
	for (uint16_t i = 0; i < PAYLOAD; i++)
		frame[RTE_ETHER_HDR_LEN + header + i] = (uint8_t)i;
	*p = (struct pkt){ .m = m,
		.ip = ip,
		.port = BOX_TRUST,
		.interface = BOX_TRUST,
		.ip_len = len,
		.l4_off = header,
		.family = 4,
		.proto = 253 };
	return m;
}

static void
leave(struct pkt *p)
{
	struct egress e;

	assert_int_equal(egress_route(worker, 4, &p->ip->dst_addr, &e), DROP_NONE);
	egress_neighbour(worker, 4, &e);
	assert_int_equal(egress_allowed(worker, p, 4, &e, BOX_ZONE_UNTRUST), DROP_NONE);
	egress_send(worker, p, 4, &e);
	engine_box_poll(box);
}

/* The next piece: payload in its place, sums right.  => its length, 0 when there is none */
static uint16_t
piece(uint16_t *from, bool *more, uint16_t *opt_len, uint8_t *opt)
{
	struct rte_mbuf *m = engine_box_collect(box, BOX_UNTRUST);
	const struct rte_ipv4_hdr *ip;
	uint16_t field, header, len;
	const uint8_t *data;

	if (m == NULL)
		return 0;
	assert_int_equal(m->nb_segs, 1);
	ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	header = (uint16_t)((ip->version_ihl & 15) * 4);
	len = (uint16_t)(rte_be_to_cpu_16(ip->total_length) - header);
	assert_int_equal(m->pkt_len, RTE_ETHER_HDR_LEN + header + len);
	assert_true(header + len <= MTU);
	assert_int_equal(ip->time_to_live, 8);
	assert_int_equal(ip->packet_id, RTE_BE16(77));
	assert_int_equal((uint16_t)~rte_raw_cksum(ip, header), 0);
	field = rte_be_to_cpu_16(ip->fragment_offset);
	*from = (uint16_t)((field & 0x1fff) * 8);
	*more = (field & 0x2000) != 0;
	*opt_len = (uint16_t)(header - sizeof(*ip));
	memcpy(opt, ip + 1, *opt_len);
	data = (const uint8_t *)ip + header;
	for (uint16_t i = 0; i < len; i++)
		assert_int_equal(data[i], (uint8_t)(*from + i));
	rte_pktmbuf_free(m);
	return len;
}

/* RFC 791 3.1: an option whose copied flag is not set goes with the first fragment only. */
static void
options_are_copied_where_their_flag_says_so(void **state)
{
	uint16_t from, opt_len, len, covered = 0, n = 0;
	uint8_t opt[40];
	struct pkt p;
	bool more = true;

	(void)state;
	packet(&p, 0, options, OPTIONS);
	leave(&p);
	for (; (len = piece(&from, &more, &opt_len, opt)) > 0; n++) {
		assert_int_equal(from, covered);
		covered = (uint16_t)(covered + len);
		if (n == 0) {
			assert_int_equal(opt_len, OPTIONS);
			assert_memory_equal(opt, options, OPTIONS);
		} else {
			assert_int_equal(opt_len, 4);
			assert_memory_equal(opt, options + 7, 4);
		}
	}
	assert_int_equal(n, 3);
	assert_int_equal(covered, PAYLOAD);
	assert_false(more);
	assert_int_equal(rte_mempool_in_use_count(box->pool), 0);
}

/* A fragment in the middle of its datagram: places go on from its own, more follow. */
static void
a_fragment_is_cut_further(void **state)
{
	const uint16_t place = 256;
	uint16_t from, opt_len, len, covered = 0;
	uint8_t opt[40];
	struct pkt p;
	bool more;

	(void)state;
	packet(&p, RTE_IPV4_HDR_MF_FLAG | place / 8, options, 0);
	leave(&p);
	while ((len = piece(&from, &more, &opt_len, opt)) > 0) {
		assert_int_equal(from, place + covered);
		assert_true(more);
		assert_int_equal(len % 8, 0);
		covered = (uint16_t)(covered + len);
	}
	assert_int_equal(covered, PAYLOAD);
}

/* The last fragment: only the last piece is the last. */
static void
the_last_fragment_stays_the_last(void **state)
{
	const uint16_t place = 256;
	uint16_t from, opt_len, len, covered = 0;
	uint8_t opt[40];
	struct pkt p;
	bool more = true;

	(void)state;
	packet(&p, place / 8, options, 0);
	leave(&p);
	while ((len = piece(&from, &more, &opt_len, opt)) > 0) {
		assert_int_equal(from, place + covered);
		covered = (uint16_t)(covered + len);
		assert_int_equal(more, covered < PAYLOAD);
	}
	assert_int_equal(covered, PAYLOAD);
}

/* Out of buffers: the packet is dropped as such, and nothing is kept. */
static void
without_buffers_the_packet_is_dropped(void **state)
{
	struct rte_mbuf *kept[64];
	struct worker_stats before, after;
	struct pkt p;
	unsigned int n = 0;

	(void)state;
	packet(&p, 0, options, 0);
	while (n < RTE_DIM(kept) - 4 && (kept[n] = rte_pktmbuf_alloc(box->pool)) != NULL)
		n++;
	engine_stats(box->engine, &before);
	leave(&p);
	engine_stats(box->engine, &after);
	assert_int_equal(after.drops[DROP_no_mbuf], before.drops[DROP_no_mbuf] + 1);
	assert_int_equal(after.fragmented, before.fragmented);
	rte_pktmbuf_free_bulk(kept, n);
	assert_null(engine_box_collect(box, BOX_UNTRUST));
	assert_int_equal(rte_mempool_in_use_count(box->pool), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_copied_where_their_flag_says_so),
		cmocka_unit_test(a_fragment_is_cut_further),
		cmocka_unit_test(the_last_fragment_stays_the_last),
		cmocka_unit_test(without_buffers_the_packet_is_dropped),
	};

	test_eal_start(128, 1);
	return cmocka_run_group_tests_name("ip_fragment", tests, setup, teardown);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_edit.h"
#include "l4_sum.h"
#include "test_eal.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 512 /* of a buffer behind its headroom */

static struct rte_mempool *pool;

struct form {
	uint8_t family, proto;
	uint32_t options; /* of IPv4 or TCP, extension headers of IPv6 */
};

static const struct form forms[] = {
	{ 4, IPPROTO_TCP, 0 },
	{ 4, IPPROTO_TCP, 12 },
	{ 4, IPPROTO_UDP, 0 },
	{ 6, IPPROTO_TCP, 0 },
	{ 6, IPPROTO_TCP, 12 },
	{ 6, IPPROTO_UDP, 0 },
};

static uint16_t
header(const struct form *f)
{
	return f->proto == IPPROTO_TCP ? (uint16_t)(20 + f->options) : 8;
}

static void
packet(struct pkt *p, const struct form *f, const char *data)
{
	const uint16_t l3 = f->family == 6 ? 40 : 20, len = (uint16_t)strlen(data);
	const uint16_t l4_len = (uint16_t)(header(f) + len);
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *frame;
	struct rte_tcp_hdr *tcp;
	struct rte_udp_hdr *udp;

	assert_non_null(m);
	frame = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(14 + l3 + l4_len));
	assert_non_null(frame);
	memset(frame, 0, (size_t)(14 + l3 + l4_len));
	*p = (struct pkt){ .m = m,
		.l3 = frame + 14,
		.l4_off = l3,
		.family = f->family,
		.proto = f->proto,
		.ip_len = (uint32_t)(l3 + l4_len) };
	if (f->family == 6) {
		p->ip6->vtc_flow = RTE_BE32(0x60000000);
		p->ip6->payload_len = rte_cpu_to_be_16(l4_len);
		p->ip6->proto = f->proto;
		memset(p->ip6->src_addr, 0x21, 32);
	} else {
		p->ip->version_ihl = 0x45;
		p->ip->total_length = rte_cpu_to_be_16((uint16_t)p->ip_len);
		p->ip->next_proto_id = f->proto;
		p->ip->src_addr = RTE_BE32(0x0a010101);
		p->ip->dst_addr = RTE_BE32(0xc801010a);
		p->ip->hdr_checksum = rte_ipv4_cksum(p->ip);
	}
	tcp = pkt_l4(p);
	udp = pkt_l4(p);
	memcpy((uint8_t *)pkt_l4(p) + header(f), data, len);
	if (f->proto == IPPROTO_TCP) {
		tcp->data_off = (uint8_t)(header(f) / 4 << 4);
		tcp->cksum = f->family == 6 ? rte_ipv6_udptcp_cksum(p->ip6, tcp)
					    : rte_ipv4_udptcp_cksum(p->ip, tcp);
	} else {
		udp->dgram_len = rte_cpu_to_be_16(l4_len);
		udp->dgram_cksum = f->family == 6 ? rte_ipv6_udptcp_cksum(p->ip6, udp)
						  : rte_ipv4_udptcp_cksum(p->ip, udp);
	}
	assert_true(l4_sum_good(p));
}

static void
check(const struct pkt *p, const struct form *f, const char *want)
{
	const uint16_t l3 = f->family == 6 ? 40 : 20;
	const uint32_t len = l3 + header(f) + (uint32_t)strlen(want);

	assert_int_equal(p->ip_len, len);
	assert_int_equal(p->m->data_len, 14 + len);
	assert_int_equal(p->m->pkt_len, 14 + len);
	assert_ptr_equal(p->l3, rte_pktmbuf_mtod_offset(p->m, char *, 14));
	assert_memory_equal((char *)pkt_l4(p) + header(f), want, strlen(want));
	if (f->family == 4) {
		assert_int_equal(rte_be_to_cpu_16(p->ip->total_length), len);
		assert_int_equal(rte_raw_cksum(p->ip, 20), 0xffff);
	} else {
		assert_int_equal(rte_be_to_cpu_16(p->ip6->payload_len), len - 40);
	}
	if (f->proto == IPPROTO_UDP)
		assert_int_equal(
			rte_be_to_cpu_16(((struct rte_udp_hdr *)pkt_l4(p))->dgram_len), len - l3);
}

static bool
edit(struct pkt *p, uint32_t at, uint32_t was, const char *text)
{
	struct alg_edit e;
	uint32_t len;
	bool done;

	assert_non_null(alg_edit_payload(p, &len));
	alg_edit_begin(&e, p);
	done = alg_edit_replace(&e, at, was, text, (uint32_t)strlen(text));
	alg_edit_end(&e);
	return done;
}

static void
lengths_and_sums_follow(void **state)
{
	static const struct {
		const char *data;
		uint32_t at, was;
		const char *text, *want;
	} rows[] = {
		{ "PORT 1,2\r\n", 5, 3, "200,51", "PORT 200,51\r\n" },
		{ "PORT 1,2\r\n", 5, 3, "200,5", "PORT 200,5\r\n" },
		{ "PORT 200,51\r\n", 5, 6, "1,2", "PORT 1,2\r\n" },
		{ "PORT 1,2\r\n", 5, 3, "3,4", "PORT 3,4\r\n" },
		{ "PORT 1,2\r\n", 0, 10, "", "" },
		{ "PORT 1,2\r\n", 0, 0, "x", "xPORT 1,2\r\n" },
		{ "PORT 1,2\r\n", 10, 0, "x", "PORT 1,2\r\nx" },
		{ "abc", 2, 1, "", "ab" },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		for (size_t k = 0; k < RTE_DIM(forms); k++) {
			struct pkt p;

			packet(&p, &forms[k], rows[i].data);
			assert_true(edit(&p, rows[i].at, rows[i].was, rows[i].text));
			check(&p, &forms[k], rows[i].want);
			assert_true(l4_sum_good(&p));
			rte_pktmbuf_free(p.m);
			/* damaged, it stays so */
			packet(&p, &forms[k], rows[i].data);
			((char *)pkt_l4(&p))[1] ^= 0x40;
			assert_true(edit(&p, rows[i].at, rows[i].was, rows[i].text));
			check(&p, &forms[k], rows[i].want);
			assert_false(l4_sum_good(&p));
			rte_pktmbuf_free(p.m);
		}
	}
}

static void
a_sum_that_was_not_made_stays_so(void **state)
{
	struct pkt p;

	(void)state;
	packet(&p, &forms[2], "abc");
	((struct rte_udp_hdr *)pkt_l4(&p))->dgram_cksum = 0;
	assert_true(edit(&p, 0, 1, "xyz"));
	check(&p, &forms[2], "xyzbc");
	assert_int_equal(((struct rte_udp_hdr *)pkt_l4(&p))->dgram_cksum, 0);
	rte_pktmbuf_free(p.m);
}

static void
a_full_buffer_grows_to_the_front(void **state)
{
	char data[ROOM], want[ROOM + RTE_PKTMBUF_HEADROOM + 16], more[RTE_PKTMBUF_HEADROOM + 2];

	(void)state;
	for (size_t k = 0; k < RTE_DIM(forms); k++) {
		const size_t len =
			(size_t)(ROOM - 14 - (forms[k].family == 6 ? 40 : 20)) - header(&forms[k]);
		struct pkt p;

		memset(data, 'a', len);
		data[len] = '\0';
		packet(&p, &forms[k], data);
		assert_int_equal(rte_pktmbuf_tailroom(p.m), 0);
		memset(more, 'b', sizeof(more));
		more[sizeof(more) - 1] = '\0';
		/* too much for both */
		assert_false(edit(&p, 7, 0, more));
		check(&p, &forms[k], data);
		more[33] = '\0';
		assert_true(edit(&p, 7, 0, more));
		snprintf(want, sizeof(want), "aaaaaaa%s%s", more, data + 7);
		check(&p, &forms[k], want);
		assert_true(l4_sum_good(&p));
		rte_pktmbuf_free(p.m);
	}
}

static void
what_cannot_be_looked_into(void **state)
{
	uint32_t len;
	struct pkt p;
	struct rte_mbuf *tail;

	(void)state;
	packet(&p, &forms[0], "abc");
	p.fragments = true;
	assert_null(alg_edit_payload(&p, &len));
	rte_pktmbuf_free(p.m);
	/* UDP that is shorter than its packet: what is the rest? */
	packet(&p, &forms[2], "abc");
	((struct rte_udp_hdr *)pkt_l4(&p))->dgram_len = RTE_BE16(9);
	assert_null(alg_edit_payload(&p, &len));
	rte_pktmbuf_free(p.m);
	/* filled up by Ethernet */
	packet(&p, &forms[0], "abc");
	assert_non_null(rte_pktmbuf_append(p.m, 3));
	assert_non_null(alg_edit_payload(&p, &len));
	assert_int_equal(len, 3);
	check(&p, &forms[0], "abc");
	rte_pktmbuf_free(p.m);
	/* two buffers become one */
	packet(&p, &forms[3], "abcdef");
	rte_pktmbuf_trim(p.m, 4);
	tail = rte_pktmbuf_alloc(pool);
	memcpy(rte_pktmbuf_append(tail, 4), "cdef", 4);
	assert_int_equal(rte_pktmbuf_chain(p.m, tail), 0);
	assert_true(edit(&p, 1, 4, "-"));
	check(&p, &forms[3], "a-f");
	assert_true(l4_sum_good(&p));
	rte_pktmbuf_free(p.m);
	/* or not */
	packet(&p, &forms[3], "ab");
	tail = rte_pktmbuf_alloc(pool);
	assert_non_null(rte_pktmbuf_append(tail, ROOM));
	assert_int_equal(rte_pktmbuf_chain(p.m, tail), 0);
	p.ip_len += ROOM;
	assert_null(alg_edit_payload(&p, &len));
	rte_pktmbuf_free(p.m);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static int
setup(void **state)
{
	(void)state;
	test_eal_start(64, 1);
	pool = rte_pktmbuf_pool_create(
		"edit", 15, 0, 0, RTE_PKTMBUF_HEADROOM + ROOM, SOCKET_ID_ANY);
	return pool != NULL ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_and_sums_follow),
		cmocka_unit_test(a_sum_that_was_not_made_stays_so),
		cmocka_unit_test(a_full_buffer_grows_to_the_front),
		cmocka_unit_test(what_cannot_be_looked_into),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

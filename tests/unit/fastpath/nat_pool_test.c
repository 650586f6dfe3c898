/* SPDX-License-Identifier: BSD-3-Clause */
/* The pool of outside addresses and ports: rows, a state test against a model, real threads. */
#include "nat_pool.h"
#include "rcu.h"
#include "session_table.h"
#include "test_eal.h"

#include <rte_common.h>
#include <rte_memory.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST	0xcb007101u /* 203.0.113.1 */
#define REMOTE	0xc8010101u
#define WORKERS 4

static struct nat_pool *
open_pool(enum nat_pool_mode mode, uint32_t addresses, uint32_t block, bool paired,
	const struct session_table *homes)
{
	/* Two sections: the second is one address, far away. */
	const struct nat_pool_section sections[] = { { FIRST, FIRST + addresses - 2 },
		{ 0xc6336401u, 0xc6336401u } };
	const struct nat_pool_section one = { FIRST, FIRST };
	struct nat_pool_params p = { .mode = mode,
		.sections = addresses == 1 ? &one : sections,
		.section_count = addresses == 1 ? 1 : 2,
		.block = block,
		.paired = paired,
		.workers = WORKERS,
		.homes = homes,
		.seed = 42,
		.socket = SOCKET_ID_ANY };
	struct nat_pool *pool = nat_pool_create(&p);

	assert_non_null(pool);
	assert_int_equal(nat_pool_addresses(pool), addresses);
	return pool;
}

static uint32_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return (uint32_t)(*x >> 32);
}

static struct nat_want
want_of(uint16_t worker, uint8_t proto, uint32_t host, uint16_t port)
{
	return (struct nat_want){ .worker = worker,
		.proto = proto,
		.host = rte_cpu_to_be_32(0x0a000000 + host),
		.port = rte_cpu_to_be_16(port),
		.remote = RTE_BE32(REMOTE),
		.remote_port = RTE_BE16(443) };
}

static uint16_t
port_of(const struct nat_got *g)
{
	return rte_be_to_cpu_16(g->port);
}

static void
wrong_parameters_are_refused(void **state)
{
	static const struct {
		struct nat_pool_section sections[2];
		unsigned int count;
		uint32_t block;
		uint16_t workers;
		int error;
	} rows[] = {
		{ { { 1, 2 } }, 0, 512, 1, EINVAL },	       /* no section */
		{ { { 2, 1 } }, 1, 512, 1, EINVAL },	       /* backwards */
		{ { { 0, 1 } }, 1, 512, 1, EINVAL },	       /* 0.0.0.0 */
		{ { { 1, 5 }, { 5, 6 } }, 2, 512, 1, EINVAL }, /* overlap */
		{ { { 1, 4097 } }, 1, 512, 1, EINVAL },	       /* too many */
		{ { { 1, UINT32_MAX } }, 1, 512, 1, EINVAL },  /* far too many */
		{ { { 1, 2 } }, 1, 0, 1, EINVAL },	       /* blocks */
		{ { { 1, 2 } }, 1, 32, 1, EINVAL },
		{ { { 1, 2 } }, 1, 100, 1, EINVAL },
		{ { { 1, 2 } }, 1, 2048, 1, EINVAL },
		{ { { 1, 2 } }, 1, 512, 0, EINVAL }, /* workers */
		{ { { 1, 2 } }, 1, 512, 33, EINVAL },
		{ { { 1, 4096 } }, 1, 512, 1, ENOMEM }, /* of the EAL's memory */
		{ { { 1, 2 } }, 1, 512, 32, 0 },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct nat_pool_params p = { .sections = rows[i].sections,
			.section_count = rows[i].count,
			.block = rows[i].block,
			.workers = rows[i].workers,
			.socket = SOCKET_ID_ANY };
		struct nat_pool *pool;

		errno = 0;
		pool = nat_pool_create(&p);
		if ((pool == NULL) != (rows[i].error != 0) || errno != rows[i].error)
			fail_msg("row %zu: errno %d", i, errno);
		nat_pool_destroy(pool);
	}
}

static struct nat_pool *
open_beside(const struct nat_pool *other, enum nat_pool_mode mode, uint32_t from, uint32_t to)
{
	const struct nat_pool_section section = { from, to };
	const struct nat_pool_params p = { .mode = mode,
		.sections = &section,
		.section_count = 1,
		.block = 64,
		.workers = WORKERS,
		.seed = 7,
		.socket = SOCKET_ID_ANY,
		.others = &other,
		.other_count = 1 };
	struct nat_pool *pool = nat_pool_create(&p);

	assert_non_null(pool);
	return pool;
}

/* A group that has changed, beside what is left of the old one: other blocks, an address more. */
static void
NAT_17_pools_with_an_address_in_common_share_its_ports(void **state)
{
	struct nat_pool *old = open_pool(NAT_POOL_PAT, 1, 256, false, NULL);
	struct nat_pool *new = open_beside(old, NAT_POOL_PAT, FIRST, FIRST + 1);
	const uint32_t all = 65536 - 1024;
	struct nat_got got, first = { 0 };

	(void)state;
	for (uint32_t n = 0; n < 3 * all; n++) {
		const struct nat_want w = want_of(
			(uint16_t)(n % WORKERS), IPPROTO_UDP, n, (uint16_t)(1024 + n % all));
		const bool there = n >= all / 2; /* the half of one address is the old one's */

		assert_int_equal(nat_pool_take(there ? new : old, &w, &got),
			n < 2 * all ? NAT_OK : NAT_NO_PORT);
		first = n == 0 ? got : first;
		assert_int_equal(
			nat_pool_claim(there ? old : new, IPPROTO_UDP, w.host, &first), NAT_TAKEN);
	}
	assert_int_equal(nat_pool_usage(old, NAT_POOL_UNOWNED).used[1], all / 2);
	assert_int_equal(nat_pool_usage(new, NAT_POOL_UNOWNED).used[1], 2 * all - all / 2);
	/* The old one gives back, the new one gets. */
	assert_true(nat_pool_give(old, IPPROTO_UDP, &first));
	assert_int_equal(
		nat_pool_take(new,
			&(struct nat_want){ .proto = IPPROTO_UDP, .port = RTE_BE16(5000) }, &got),
		NAT_OK);
	assert_memory_equal(&got, &first, sizeof(got));
	nat_pool_destroy(old);
	assert_false(nat_pool_claim(new, IPPROTO_UDP, 0, &got) == NAT_OK);
	assert_true(nat_pool_give(new, IPPROTO_UDP, &got));
	nat_pool_destroy(new);
}

static void
NAT_17_a_host_without_PAT_keeps_its_address_in_a_pool_that_shares_it(void **state)
{
	struct nat_pool *old = open_pool(NAT_POOL_NO_PAT, 5, 0, false, NULL), *new;
	const uint32_t hosts = 4; /* addresses of the first section */
	struct nat_got was[5], got;

	(void)state;
	for (uint32_t h = 0; h < 5; h++) {
		const struct nat_want w = want_of(0, IPPROTO_GRE, h, 0);

		assert_int_equal(nat_pool_take(old, &w, &was[h]), NAT_OK);
	}
	new = open_beside(old, NAT_POOL_NO_PAT, FIRST, FIRST + hosts);
	for (uint32_t h = 0; h < 5; h++) {
		const struct nat_want w = want_of(1, IPPROTO_GRE, h, 0);

		assert_int_equal(nat_pool_take(new, &w, &got), NAT_OK);
		if (nat_pool_has(new, was[h].addr))
			assert_int_equal(got.addr, was[h].addr);
		else
			assert_int_equal(got.addr, rte_cpu_to_be_32(FIRST + hosts));
		assert_true(nat_pool_give(old, IPPROTO_GRE, &was[h]));
		was[h] = got;
	}
	nat_pool_destroy(old);
	for (uint32_t h = 0; h < 5; h++)
		assert_true(nat_pool_give(new, IPPROTO_GRE, &was[h]));
	assert_int_equal(nat_pool_usage(new, NAT_POOL_UNOWNED).hosts, 0);
	nat_pool_destroy(new);
}

/* RFC 4787 REQ-3: the class; REQ-4: parity; the port itself when it is free. */
static void
NAT_02_ports_keep_their_number_class_and_parity(void **state)
{
	static const struct {
		uint8_t proto;
		uint16_t port;
	} rows[] = { { IPPROTO_UDP, 5000 }, { IPPROTO_UDP, 5001 }, { IPPROTO_TCP, 1 },
		{ IPPROTO_UDP, 1023 }, { IPPROTO_TCP, 1024 }, { IPPROTO_TCP, 65535 },
		{ IPPROTO_UDP, 512 } };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct nat_pool *pool = open_pool(NAT_POOL_PAT, 1, 256, false, NULL);
		const uint16_t port = rows[i].port;
		const uint32_t class = port < 1024 ? 511 : 32256;

		for (uint32_t n = 0; n < class; n++) {
			const struct nat_want w =
				want_of((uint16_t)(n % WORKERS), rows[i].proto, n, port);
			struct nat_got got;

			assert_int_equal(nat_pool_take(pool, &w, &got), NAT_OK);
			if (n == 0)
				assert_int_equal(port_of(&got), port);
			assert_int_equal(port_of(&got) < 1024, port < 1024);
			assert_int_equal(port_of(&got) & 1, port & 1);
		}
		nat_pool_destroy(pool);
	}
}

static uint32_t
take_all(struct nat_pool *pool, const struct nat_want *w, uint8_t half)
{
	struct nat_got got;
	uint32_t n = 0;

	while (nat_pool_take(pool, w, &got) == NAT_OK) {
		if ((nat_pool_half(port_of(&got)) & half) == 0)
			fail_msg("port %u is in the other half", port_of(&got));
		n++;
	}
	return n;
}

/* One box takes all of its half, then the other one's, when that is dead; what the other one has
 * handed out is left alone. */
static void
P24_a_pool_gives_its_half_and_later_the_other(void **state)
{
	static const struct {
		uint8_t proto;
		uint16_t port;
		uint32_t block, primary, secondary;
	} rows[] = { { IPPROTO_TCP, 6000, 64, 31744, 32768 },
		{ IPPROTO_UDP, 6001, 256, 31744, 32768 }, { IPPROTO_TCP, 6000, 1024, 31744, 32768 },
		{ IPPROTO_UDP, 7, 256, 511, 512 }, { IPPROTO_TCP, 7, 1024, 511, 512 },
		{ IPPROTO_ICMP, 1, 512, 0, 0 } };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct nat_pool_section one = { FIRST, FIRST };
		_Atomic(uint8_t) halves = NAT_HALF_PRIMARY;
		struct nat_pool *pool =
			nat_pool_create(&(struct nat_pool_params){ .mode = NAT_POOL_PAT,
				.sections = &one,
				.section_count = 1,
				.block = rows[i].block,
				.workers = WORKERS,
				.halves = &halves,
				.seed = 7,
				.socket = SOCKET_ID_ANY });
		const struct nat_want w = want_of(1, rows[i].proto, 5, rows[i].port);
		const struct nat_got theirs = { .addr = rte_cpu_to_be_32(FIRST),
			.port = rte_cpu_to_be_16(rows[i].port < 1024 ? 600 : 5 * 1024) };
		const bool icmp = rows[i].proto == IPPROTO_ICMP;

		assert_non_null(pool);
		assert_int_equal(nat_pool_half(rte_be_to_cpu_16(theirs.port)), NAT_HALF_SECONDARY);
		assert_int_equal(nat_pool_claim(pool, rows[i].proto, w.host, &theirs), NAT_OK);
		const uint32_t primary = take_all(pool, &w, NAT_HALF_PRIMARY);
		atomic_store(&halves, NAT_WHOLE);
		const uint32_t secondary = take_all(pool, &w, NAT_HALF_SECONDARY);
		if (!icmp) {
			assert_int_equal(primary, rows[i].primary);
			assert_int_equal(secondary, rows[i].secondary - 1);
		}
		assert_int_equal(primary + secondary + 1,
			icmp ? 65536 : rows[i].primary + rows[i].secondary);
		nat_pool_destroy(pool);
	}
}

/* Every port of the class is handed out once, the other parity's last; then the next is refused;
 * what comes back is handed out again. */
static void
NAT_05_a_pool_runs_out_and_recovers(void **state)
{
	static const struct {
		uint8_t proto;
		uint16_t port;
		uint32_t ports;
	} rows[] = { { IPPROTO_UDP, 7, 1023 }, { IPPROTO_TCP, 6000, 64512 },
		{ IPPROTO_ICMP, 0, 65536 }, { IPPROTO_ICMP, 6001, 65536 } };
	static uint8_t had[65536];

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct nat_pool *pool = open_pool(NAT_POOL_PAT, 1, 512, i & 1, NULL);
		const struct nat_want w = want_of(1, rows[i].proto, 5, rows[i].port);
		struct nat_got got = { 0 }, again;
		struct nat_usage all;

		memset(had, 0, sizeof(had));
		for (uint32_t n = 0; n < rows[i].ports; n++) {
			assert_int_equal(nat_pool_take(pool, &w, &got), NAT_OK);
			assert_int_equal(had[port_of(&got)]++, 0);
		}
		assert_int_equal(nat_pool_take(pool, &w, &again), NAT_NO_PORT);
		assert_int_equal(nat_pool_claim(pool, rows[i].proto, 0, &got), NAT_TAKEN);
		all = nat_pool_usage(pool, NAT_POOL_UNOWNED);
		assert_int_equal(all.used[0] + all.used[1] + all.used[2], rows[i].ports);
		assert_true(nat_pool_give(pool, rows[i].proto, &got));
		assert_false(nat_pool_give(pool, rows[i].proto, &got)); /* once */
		assert_int_equal(nat_pool_take(pool, &w, &again), NAT_OK);
		assert_int_equal(again.port, got.port);
		for (uint32_t port = 0; port < 65536; port++)
			assert_int_equal(
				nat_pool_give(pool, rows[i].proto,
					&(struct nat_got){ .addr = got.addr,
						.port = rte_cpu_to_be_16((uint16_t)port) }),
				had[port]);
		all = nat_pool_usage(pool, NAT_POOL_UNOWNED);
		assert_int_equal(all.blocks, 0); /* and belong to nobody */
		nat_pool_destroy(pool);
	}
}

/* Protocols do not disturb each other; those without ports are refused; so is what is not ours. */
static void
protocols_have_ports_of_their_own(void **state)
{
	struct nat_pool *pool = open_pool(NAT_POOL_PAT, 1, 512, true, NULL);
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };
	struct nat_want w;
	struct nat_got got;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(protos); i++) {
		w = want_of(0, protos[i], 1, 4000);
		assert_int_equal(nat_pool_take(pool, &w, &got), NAT_OK);
		assert_int_equal(port_of(&got), 4000);
		assert_int_equal(nat_pool_usage(pool, NAT_POOL_UNOWNED).used[i], 1);
	}
	w.proto = IPPROTO_GRE;
	assert_int_equal(nat_pool_take(pool, &w, &got), NAT_NO_PORTS_IN_PROTOCOL);
	assert_int_equal(nat_pool_claim(pool, IPPROTO_GRE, 0, &got), NAT_NO_PORTS_IN_PROTOCOL);
	assert_false(nat_pool_give(pool, IPPROTO_GRE, &got));
	got.addr = RTE_BE32(FIRST + 1);
	assert_false(nat_pool_has(pool, got.addr));
	assert_int_equal(nat_pool_claim(pool, IPPROTO_TCP, 0, &got), NAT_NOT_OURS);
	assert_false(nat_pool_give(pool, IPPROTO_TCP, &got));
	got = (struct nat_got){ .addr = RTE_BE32(FIRST) };
	assert_int_equal(nat_pool_claim(pool, IPPROTO_TCP, 0, &got), NAT_TAKEN); /* port 0 */
	assert_false(nat_pool_give(pool, IPPROTO_TCP, &got));
	nat_pool_destroy(pool);
}

/* Paired: a host keeps its address and ends with it; else it may use all of them. */
static void
NAT_04_paired_hosts_keep_one_address(void **state)
{
	(void)state;
	for (unsigned int paired = 0; paired < 2; paired++) {
		struct nat_pool *pool = open_pool(NAT_POOL_PAT, 3, 512, paired, NULL);
		struct nat_want w = want_of(2, IPPROTO_UDP, 9, 5);
		struct nat_got got, first;
		uint32_t hosts[3] = { 0 }, index = 0;

		assert_int_equal(nat_pool_take(pool, &w, &first), NAT_OK);
		for (uint32_t n = 1; n < (paired ? 1023 : 3 * 1023); n++) {
			assert_int_equal(nat_pool_take(pool, &w, &got), NAT_OK);
			if (paired)
				assert_int_equal(got.addr, first.addr);
		}
		assert_int_equal(nat_pool_take(pool, &w, &got), NAT_NO_PORT);
		/* Other hosts are spread over the addresses. */
		for (uint32_t host = 100; paired && host < 400; host++) {
			w = want_of(0, IPPROTO_TCP, host, 5000);
			assert_int_equal(nat_pool_take(pool, &w, &got), NAT_OK);
			assert_true(nat_pool_has(pool, got.addr));
			index = rte_be_to_cpu_32(got.addr) - FIRST;
			hosts[index < 2 ? index : 2]++;
		}
		for (unsigned int i = 0; paired && i < 3; i++)
			assert_in_range(hosts[i], 60, 140);
		nat_pool_destroy(pool);
	}
}

/* A worker takes ports of few blocks, which are its own until the last port is back. */
static void
blocks_belong_to_workers(void **state)
{
	struct nat_pool *pool = open_pool(NAT_POOL_PAT, 1, 128, true, NULL);
	struct nat_got got[WORKERS][200];
	struct nat_usage u;

	(void)state;
	assert_int_equal(nat_pool_blocks(pool), 512);
	/* The host's port is taken: others must be found. */
	for (uint16_t n = 0; n < 200; n++) {
		for (uint16_t i = 0; i < WORKERS; i++) {
			const struct nat_want w = want_of(i, IPPROTO_UDP, n, 40000);

			assert_int_equal(nat_pool_take(pool, &w, &got[i][n]), NAT_OK);
		}
	}
	for (uint16_t i = 0; i < WORKERS; i++) {
		u = nat_pool_usage(pool, i);
		assert_int_equal(u.blocks, 4); /* of 64 even ports each */
		assert_in_range(u.used[1], 199, 201);
		for (uint16_t n = 1; n < 200; n++) {
			const struct nat_block_usage b =
				nat_pool_block(pool, port_of(&got[i][n]) / 128);

			assert_int_equal(b.owner, i);
			assert_int_equal(b.first, port_of(&got[i][n]) / 128 * 128);
			assert_int_equal(b.addr, RTE_BE32(FIRST));
		}
	}
	/* Anybody gives them back: nothing is kept. */
	for (uint16_t n = 0; n < 200; n++)
		for (uint16_t i = 0; i < WORKERS; i++)
			assert_true(nat_pool_give(pool, IPPROTO_UDP, &got[WORKERS - 1 - i][n]));
	u = nat_pool_usage(pool, NAT_POOL_UNOWNED);
	assert_int_equal(u.blocks, 0);
	assert_int_equal(u.used[1], 0);
	nat_pool_destroy(pool);
}

/* Replies come to the worker that has the session, for TCP and UDP, until the pool is nearly
 * empty. */
static void
replies_come_home(void **state)
{
	static const uint16_t shards[] = { 2, 3, WORKERS };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(shards); i++) {
		struct rcu *rcu = rcu_create(SOCKET_ID_ANY);
		const struct session_table_params p = { .name = "homes",
			.max_sessions = 100,
			.shards = shards[i],
			.socket = SOCKET_ID_ANY,
			.rcu = rcu };
		struct session_table *t = session_table_create(&p);
		struct nat_pool *pool = open_pool(NAT_POOL_PAT, 4, 256, false, t);
		uint32_t home = 0, total = 0, kept = 0;
		uint64_t random = 0x9e3779b97f4a7c15;

		for (uint32_t n = 0; n < 180000; n++) {
			struct nat_want w = want_of((uint16_t)(next(&random) % shards[i]),
				next(&random) & 1 ? IPPROTO_TCP : IPPROTO_UDP, n % 1000,
				(uint16_t)(1024 + next(&random) % 64000));
			struct session_key4 k;
			struct nat_got got;

			w.remote = rte_cpu_to_be_32(REMOTE + next(&random) % 100000);
			w.remote_port = rte_cpu_to_be_16((uint16_t)next(&random));
			assert_int_equal(nat_pool_take(pool, &w, &got), NAT_OK);
			session_key4_make(&k, w.remote, got.addr, w.remote_port, got.port, w.proto);
			home += session_table_home4(t, &k) == w.worker;
			kept += got.port == w.port;
			total++;
		}
		print_message("%u workers: %u of %u come home, %u kept their port\n", shards[i],
			home, total, kept);
		assert_true(home >= total / 100 * 99);
		assert_true(kept > 1000);
		nat_pool_destroy(pool);
		session_table_destroy(t);
		rcu_destroy(rcu);
	}
}

static void
NAT_06_a_host_has_an_address_to_itself(void **state)
{
	enum { N = 50 };
	struct nat_pool *pool = open_pool(NAT_POOL_NO_PAT, N, 0, false, NULL);
	struct nat_got got[N], again;
	struct nat_want w;
	rte_be32_t host;
	uint32_t n;

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		w = want_of((uint16_t)(i % WORKERS), IPPROTO_GRE, i, 7);
		assert_int_equal(nat_pool_take(pool, &w, &got[i]), NAT_OK);
		assert_int_equal(port_of(&got[i]), 7);
		for (uint32_t j = 0; j < i; j++)
			assert_int_not_equal(got[i].addr, got[j].addr);
	}
	w = want_of(0, IPPROTO_TCP, N, 7);
	assert_int_equal(nat_pool_take(pool, &w, &again), NAT_NO_ADDRESS);
	assert_int_equal(nat_pool_usage(pool, NAT_POOL_UNOWNED).hosts, N);
	for (uint32_t i = 0; i < N; i++) { /* whatever protocol and worker */
		w = want_of((uint16_t)((i + 1) % WORKERS), IPPROTO_UDP, i, 9);
		assert_int_equal(nat_pool_take(pool, &w, &again), NAT_OK);
		assert_int_equal(again.addr, got[i].addr);
		assert_true(nat_pool_host(pool, again.addr, &host, &n));
		assert_int_equal(host, w.host);
		assert_int_equal(n, 2);
	}
	/* The peer's word. */
	w = want_of(0, IPPROTO_TCP, 3, 7);
	assert_int_equal(nat_pool_claim(pool, IPPROTO_TCP, w.host, &got[3]), NAT_OK);
	assert_int_equal(nat_pool_claim(pool, IPPROTO_TCP, w.host, &got[4]), NAT_TAKEN);
	assert_int_equal(nat_pool_claim(pool, IPPROTO_TCP, RTE_BE32(77), &got[3]), NAT_TAKEN);
	/* Back when the last session is over. */
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(nat_pool_host(pool, got[3].addr, &host, &n));
		assert_int_equal(n, 3 - i);
		assert_true(nat_pool_give(pool, IPPROTO_TCP, &got[3]));
	}
	assert_false(nat_pool_give(pool, IPPROTO_TCP, &got[3]));
	assert_false(nat_pool_host(pool, got[3].addr, &host, &n));
	assert_int_equal(nat_pool_claim(pool, IPPROTO_TCP, RTE_BE32(77), &got[3]), NAT_OK);
	w.host = RTE_BE32(77);
	assert_int_equal(nat_pool_take(pool, &w, &again), NAT_OK);
	assert_int_equal(again.addr, got[3].addr);
	nat_pool_destroy(pool);
}

/* ---- against a model ---- */

#define MODEL_ADDRESSES 2
#define LIVE		20000

struct model {
	struct nat_pool *pool;
	uint64_t random;
	struct {
		struct nat_got got;
		uint8_t proto;
	} live[LIVE];
	uint32_t count;
	uint8_t used[MODEL_ADDRESSES][3][65536];
	uint32_t per_proto[3], taken, claimed, taken_claims, given, refused;
};

static const uint8_t protos[3] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };

static uint8_t *
place(struct model *m, unsigned int proto, const struct nat_got *g)
{
	return &m->used[g->addr == RTE_BE32(FIRST) ? 0 : 1][proto][port_of(g)];
}

static void
note(struct model *m, unsigned int proto, const struct nat_got *g)
{
	uint8_t *p = place(m, proto, g);

	assert_int_equal(*p, 0); /* never twice */
	*p = 1;
	m->live[m->count].got = *g;
	m->live[m->count++].proto = (uint8_t)proto;
	m->per_proto[proto]++;
}

static void
step(struct model *m)
{
	const unsigned int what = next(&m->random) % 8, proto = next(&m->random) % 3;
	/* Many below 1024, so that the class runs out. */
	const uint16_t port = (uint16_t)(next(&m->random) % (next(&m->random) % 4 ? 1024 : 65536));
	struct nat_got got;

	if (what < 4 && m->count < LIVE) {
		const struct nat_want w = want_of((uint16_t)(next(&m->random) % WORKERS),
			protos[proto], next(&m->random) % 50, port != 0 ? port : 1);

		if (nat_pool_take(m->pool, &w, &got) != NAT_OK) {
			uint32_t n = 0; /* rightly: the class is full everywhere */

			for (unsigned int a = 0; a < MODEL_ADDRESSES; a++)
				for (uint32_t i = port < 1024 ? 1 : 1024;
					i < (port < 1024 ? 1024u : 65536u); i++)
					n += !m->used[a][proto][i];
			assert_int_equal(n, 0);
			m->refused++;
			return;
		}
		note(m, proto, &got);
		m->taken++;
	} else if (what == 4 && m->count < LIVE) {
		got = (struct nat_got){ .addr = next(&m->random) & 1 ? RTE_BE32(FIRST)
								     : RTE_BE32(0xc6336401),
			.port = rte_cpu_to_be_16(port != 0 ? port : 1) };
		if (nat_pool_claim(m->pool, protos[proto], 0, &got) == NAT_OK) {
			note(m, proto, &got);
			m->claimed++;
		} else {
			assert_int_equal(*place(m, proto, &got), 1);
			m->taken_claims++;
		}
	} else if (m->count > 0) {
		const uint32_t i = next(&m->random) % m->count;

		got = m->live[i].got;
		assert_true(nat_pool_give(m->pool, protos[m->live[i].proto], &got));
		*place(m, m->live[i].proto, &got) = 0;
		m->per_proto[m->live[i].proto]--;
		m->live[i] = m->live[--m->count];
		m->given++;
	}
}

static void
random_use_agrees_with_a_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct model *m = calloc(1, sizeof(*m));
		struct nat_usage u;

		assert_non_null(m);
		m->random = seed * 0x9e3779b97f4a7c15;
		m->pool = open_pool(NAT_POOL_PAT, MODEL_ADDRESSES, 64u << (seed % 5), false, NULL);
		for (uint32_t i = 0; i < 200000; i++) {
			step(m);
			if (i % 5000 != 0)
				continue;
			u = nat_pool_usage(m->pool, NAT_POOL_UNOWNED);
			for (unsigned int p = 0; p < 3; p++)
				assert_int_equal(u.used[p], m->per_proto[p]);
		}
		print_message("seed %lu: taken %u, claimed %u (not %u), given %u, refused %u\n",
			(unsigned long)seed, m->taken, m->claimed, m->taken_claims, m->given,
			m->refused);
		assert_true(m->refused > 100 && m->claimed > 1000 && m->taken_claims > 1000);
		/* All sessions end. */
		while (m->count > 0) {
			m->count--;
			assert_true(nat_pool_give(
				m->pool, protos[m->live[m->count].proto], &m->live[m->count].got));
		}
		u = nat_pool_usage(m->pool, NAT_POOL_UNOWNED);
		assert_int_equal(u.used[0] + u.used[1] + u.used[2] + u.blocks, 0);
		nat_pool_destroy(m->pool);
		free(m);
	}
}

/* ---- real threads ---- */

#define THREADS	   4
#define HELD	   1500 /* each: more than a class of two addresses has together */
#define THREAD_OPS 300000

struct shared {
	struct nat_pool *pool;
	_Atomic(uint8_t) owned[MODEL_ADDRESSES][65536]; /* PAT; NO-PAT: hosts by place, count */
	_Atomic(uint32_t) twice, wrong, refused, taken;
};

struct thread {
	struct shared *shared;
	uint16_t id;
	bool no_pat;
};

static void
release(struct shared *sh, const struct nat_got *g)
{
	atomic_store(&sh->owned[g->addr == RTE_BE32(FIRST) ? 0 : 1][port_of(g)], 0);
	if (!nat_pool_give(sh->pool, IPPROTO_UDP, g))
		atomic_fetch_add(&sh->wrong, 1);
}

static void *
take_and_give(void *arg)
{
	static const uint16_t ports[] = { 5, 80, 1023, 600 };
	const struct thread *t = arg;
	struct shared *sh = t->shared;
	uint64_t random = (t->id + 1) * 0x9e3779b97f4a7c15;
	struct nat_got held[HELD];
	uint32_t n = 0;

	for (uint32_t i = 0; i < THREAD_OPS; i++) {
		const struct nat_want w = want_of(t->id, IPPROTO_UDP, next(&random) % 50,
			ports[next(&random) % RTE_DIM(ports)]);
		struct nat_got got;

		if (n == HELD || (n > 0 && next(&random) % 5 < 2)) {
			const uint32_t j = next(&random) % n;

			release(sh, &held[j]);
			held[j] = held[--n];
			continue;
		}
		if (nat_pool_take(sh->pool, &w, &got) != NAT_OK) {
			atomic_fetch_add(&sh->refused, 1);
			continue;
		}
		if (atomic_exchange(
			    &sh->owned[got.addr == RTE_BE32(FIRST) ? 0 : 1][port_of(&got)], 1))
			atomic_fetch_add(&sh->twice, 1);
		atomic_fetch_add(&sh->taken, 1);
		held[n++] = got;
	}
	while (n > 0)
		release(sh, &held[--n]);
	return NULL;
}

/* More hosts than addresses, the same hosts on all workers. */
static void *
hold_addresses(void *arg)
{
	enum { HOSTS = 24, MOST = 16 };
	const struct thread *t = arg;
	struct shared *sh = t->shared;
	uint64_t random = (t->id + 1) * 0x9e3779b97f4a7c15;
	struct {
		struct nat_got got;
		rte_be32_t host;
	} held[MOST];
	uint32_t n = 0;

	for (uint32_t i = 0; i < THREAD_OPS; i++) {
		const struct nat_want w = want_of(t->id, IPPROTO_UDP, next(&random) % HOSTS, 7);
		rte_be32_t host;
		uint32_t count;

		/* While we hold it, the address is this host's and the host's only one. */
		for (uint32_t j = 0; j < n; j++)
			if (!nat_pool_host(sh->pool, held[j].got.addr, &host, &count) ||
				host != held[j].host)
				atomic_fetch_add(&sh->wrong, 1);
		if (n == MOST || (n > 0 && next(&random) & 1)) {
			if (!nat_pool_give(sh->pool, IPPROTO_UDP, &held[--n].got))
				atomic_fetch_add(&sh->wrong, 1);
			continue;
		}
		if (nat_pool_take(sh->pool, &w, &held[n].got) != NAT_OK) {
			atomic_fetch_add(&sh->refused, 1);
			continue;
		}
		held[n].host = w.host;
		for (uint32_t j = 0; j < n; j++)
			if ((held[j].host == w.host) != (held[j].got.addr == held[n].got.addr))
				atomic_fetch_add(&sh->twice, 1);
		atomic_fetch_add(&sh->taken, 1);
		n++;
	}
	while (n > 0)
		nat_pool_give(sh->pool, IPPROTO_UDP, &held[--n].got);
	return NULL;
}

static void
run_threads(void *(*fn)(void *), struct nat_pool *pool)
{
	struct shared *sh = calloc(1, sizeof(*sh));
	struct thread thread[THREADS];
	pthread_t id[THREADS];
	struct nat_usage u;

	assert_non_null(sh);
	sh->pool = pool;
	for (uint16_t i = 0; i < THREADS; i++) {
		thread[i] = (struct thread){ .shared = sh, .id = i };
		assert_int_equal(pthread_create(&id[i], NULL, fn, &thread[i]), 0);
	}
	for (uint16_t i = 0; i < THREADS; i++)
		pthread_join(id[i], NULL);
	print_message("taken %u, refused %u\n", sh->taken, sh->refused);
	assert_int_equal(sh->twice, 0);
	assert_int_equal(sh->wrong, 0);
	assert_true(sh->taken > THREAD_OPS / 2 && sh->refused > 0);
	u = nat_pool_usage(pool, NAT_POOL_UNOWNED);
	assert_int_equal(u.used[0] + u.used[1] + u.used[2] + u.blocks + u.hosts, 0);
	free(sh);
}

static void
threads_never_get_the_same_port(void **state)
{
	struct nat_pool *pool = open_pool(NAT_POOL_PAT, MODEL_ADDRESSES, 64, false, NULL);
	const struct nat_want w = want_of(0, IPPROTO_UDP, 1, 80);
	struct nat_got got;

	(void)state;
	run_threads(take_and_give, pool);
	/* Nor has one been lost: each is found again. */
	for (uint32_t n = 0; n < MODEL_ADDRESSES * 1023; n++)
		assert_int_equal(nat_pool_take(pool, &w, &got), NAT_OK);
	assert_int_equal(nat_pool_take(pool, &w, &got), NAT_NO_PORT);
	nat_pool_destroy(pool);
}

static void
threads_agree_on_the_address_of_a_host(void **state)
{
	struct nat_pool *pool = open_pool(NAT_POOL_NO_PAT, 20, 0, false, NULL);

	(void)state;
	run_threads(hold_addresses, pool);
	nat_pool_destroy(pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_parameters_are_refused),
		cmocka_unit_test(NAT_17_pools_with_an_address_in_common_share_its_ports),
		cmocka_unit_test(
			NAT_17_a_host_without_PAT_keeps_its_address_in_a_pool_that_shares_it),
		cmocka_unit_test(NAT_02_ports_keep_their_number_class_and_parity),
		cmocka_unit_test(P24_a_pool_gives_its_half_and_later_the_other),
		cmocka_unit_test(NAT_05_a_pool_runs_out_and_recovers),
		cmocka_unit_test(protocols_have_ports_of_their_own),
		cmocka_unit_test(NAT_04_paired_hosts_keep_one_address),
		cmocka_unit_test(blocks_belong_to_workers),
		cmocka_unit_test(replies_come_home),
		cmocka_unit_test(NAT_06_a_host_has_an_address_to_itself),
		cmocka_unit_test(random_use_agrees_with_a_model),
		cmocka_unit_test(threads_never_get_the_same_port),
		cmocka_unit_test(threads_agree_on_the_address_of_a_host),
	};

	test_eal_start(64, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * One box for the tests of the mirror: an engine without ports, its workers polled by the test, and
 * sessions made by hand.  Header only, so that each test program stays one file.
 */
#pragma once

#include "engine.h"
#include "nat.h"
#include "policy.h"
#include "test_eal.h"

#include <rte_ip.h>
#include <rte_memory.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BOX_ZONES 5 /* none, local, trust, dmz, untrust */

struct ha_box {
	struct engine *engine;
	struct session_table *sessions;
	int reader;
};

/* One address group, "office": 203.0.113.1 and .2, PAT. */
static inline struct nat *
ha_box_nat(struct engine *e)
{
	const struct nat_group_params office = { .name = "office",
		.mode = NAT_POOL_PAT,
		.block = 256,
		.section_count = 1,
		.sections = { { 0xcb007101u, 0xcb007102u } } };
	struct nat *n = nat_create(engine_nat_groups(e), 0, 0, 0, 1);
	char err[128];

	assert_non_null(n);
	n->group_ids[0] = nat_groups_acquire(engine_nat_groups(e), &office, err, sizeof(err));
	assert_int_not_equal(n->group_ids[0], NAT_GROUP_NONE);
	n->group_count = 1;
	nat_seal(n);
	return n;
}

static inline void
ha_box_start(struct ha_box *b, const char *name, uint16_t workers, uint32_t sessions,
	uint32_t event_ring)
{
	char err[256] = "";

	*b = (struct ha_box){ 0 };
	b->engine = engine_create(&(struct engine_params){ .name = name,
					  .workers = workers,
					  .max_sessions = sessions,
					  .max_neighbours = 16,
					  .max_routes = 16,
					  .event_ring = event_ring,
					  .nat = true,
					  .socket = SOCKET_ID_ANY },
		err, sizeof(err));
	if (b->engine == NULL)
		fail_msg("%s", err);
	struct snapshot *s = snapshot_create(0, 0);
	assert_non_null(s);
	s->policy = policy_create(NULL, 0, POLICY_PERMIT);
	assert_non_null(s->policy);
	s->nat = ha_box_nat(b->engine);
	for (int z = 1; z < BOX_ZONES; z++)
		s->zones[z].priority = (uint8_t)(z * 10);
	engine_publish(b->engine, s);
	b->sessions = engine_sessions(b->engine);
	for (uint16_t i = 0; i < workers; i++)
		assert_int_equal(worker_bind(engine_worker(b->engine, i)), 0);
	b->reader = rcu_register(engine_rcu(b->engine));
	assert_true(b->reader >= 0);
}

static inline void
ha_box_stop(struct ha_box *b)
{
	rcu_unregister(engine_rcu(b->engine), b->reader);
	for (uint16_t i = 0; i < engine_worker_count(b->engine); i++)
		worker_unbind(engine_worker(b->engine, i));
	engine_destroy(b->engine);
}

/* One turn of every worker. */
static inline void
ha_box_poll(struct ha_box *b, mono_t now)
{
	for (uint16_t i = 0; i < engine_worker_count(b->engine); i++)
		worker_poll(engine_worker(b->engine, i), now);
	rcu_quiescent(engine_rcu(b->engine), b->reader);
}

/* The IPv6 twin of a tuple: 2001:db8::ADDRESS, ICMPv6 for ICMP. */
static inline struct session_tuple6
ha_box_twin(const struct session_tuple4 *t)
{
	struct session_tuple6 six = { .src = { 0x20, 0x01, 0x0d, 0xb8 },
		.dst = { 0x20, 0x01, 0x0d, 0xb8 },
		.sport = t->sport,
		.dport = t->proto == IPPROTO_ICMP ? SESSION_ICMP6_ECHO_PORT : t->dport,
		.proto = t->proto == IPPROTO_ICMP ? IPPROTO_ICMPV6 : t->proto };

	memcpy(six.src + 12, &t->src, sizeof(t->src));
	memcpy(six.dst + 12, &t->dst, sizeof(t->dst));
	return six;
}

/* The key of a tuple, or of its twin. => swap */
static inline uint8_t
ha_box_key(const struct session_tuple4 *t, unsigned int family, struct session_key4 *k4,
	struct session_key6 *k6)
{
	const struct session_tuple6 six = ha_box_twin(t);

	return family == 6
		       ? session_key6_make(k6, six.src, six.dst, six.sport, six.dport, six.proto)
		       : session_key4_make(k4, t->src, t->dst, t->sport, t->dport, t->proto);
}

/* What a worker does: the session of a tuple (family 6: of its twin) becomes visible.
 * => its index, SESSION_NONE when full */
static inline uint32_t
ha_box_session_of(struct ha_box *b, const struct session_tuple4 *t, unsigned int family,
	enum session_state state, uint32_t flags, mono_t now)
{
	struct session *s = session_table_alloc(b->sessions);
	struct session_key4 k4;
	struct session_key6 k6;
	bool existed = false;
	uint32_t index;

	if (s == NULL)
		return SESSION_NONE;
	const uint8_t swap = ha_box_key(t, family, &k4, &k6);
	s->zone[0] = 2;
	s->zone[1] = 4;
	s->policy = 0x1234;
	for (uint32_t d = 0; d < 2; d++) {
		s->dir[d].neigh = NEIGH_NONE;
		s->dir[d].tcp_end = 1000 + d;
		s->dir[d].tcp_max_end = 70000 + d;
		s->dir[d].tcp_max_win = 65535 << d;
		s->dir[d].tcp_wscale = (uint8_t)(7 + d);
	}
	atomic_store(&s->last_seen, mono_seconds(now));
	atomic_store(
		&s->ctl, session_kind((uint8_t)family, family == 6 ? k6.proto : t->proto, swap) |
				 (uint32_t)state | flags);
	index = family == 6 ? session_table_insert6(b->sessions, s, &k6, UINT16_MAX, now, &existed)
			    : session_table_insert4(b->sessions, s, &k4, UINT16_MAX, now, &existed);
	if (index == SESSION_NONE || existed)
		session_table_unalloc(b->sessions, s);
	return existed ? SESSION_NONE : index;
}

static inline uint32_t
ha_box_session(struct ha_box *b, const struct session_tuple4 *t, enum session_state state,
	uint32_t flags, mono_t now)
{
	return ha_box_session_of(b, t, 4, state, flags, now);
}

/* Tuple number n: distinct addresses and ports, either side may be the lower endpoint. */
static inline struct session_tuple4
ha_box_tuple(uint32_t n, uint8_t proto)
{
	const rte_be32_t in = rte_cpu_to_be_32(0x0a010000u + (n >> 8 & 0xff) + 10);
	const rte_be32_t out = rte_cpu_to_be_32(0xc8010100u + (n & 0xff));

	return (struct session_tuple4){ .src = (n & 1) != 0 ? out : in,
		.dst = (n & 1) != 0 ? in : out,
		.sport = rte_cpu_to_be_16((uint16_t)(1024 + (n >> 4) % 60000)),
		.dport = proto == IPPROTO_ICMP ? SESSION_ICMP_ECHO_PORT : RTE_BE16(443),
		.proto = proto };
}

static inline struct session *
ha_box_at(const struct ha_box *b, uint32_t index)
{
	return session_table_at(b->sessions, index);
}

static inline uint32_t
ha_box_find_of(const struct ha_box *b, const struct session_tuple4 *t, unsigned int family)
{
	struct session_key4 k4;
	struct session_key6 k6;
	const struct session_key4 *keys4[1] = { &k4 };
	const struct session_key6 *keys6[1] = { &k6 };
	uint32_t index;
	uint8_t swap = 0;

	ha_box_key(t, family, &k4, &k6);
	if (family == 6)
		session_table_lookup6(b->sessions, keys6, 1, &index, &swap);
	else
		session_table_lookup4(b->sessions, keys4, 1, &index, &swap);
	return index;
}

static inline uint32_t
ha_box_find(const struct ha_box *b, const struct session_tuple4 *t)
{
	return ha_box_find_of(b, t, 4);
}

/* State and flags. */
static inline uint32_t
ha_box_ctl(const struct ha_box *b, uint32_t index)
{
	return atomic_load(&ha_box_at(b, index)->ctl) & ~SESSION_KIND_MASK;
}

static inline uint16_t
ha_box_generation(const struct ha_box *b, uint32_t index)
{
	return atomic_load(&ha_box_at(b, index)->generation);
}

static inline bool
ha_box_kill(struct ha_box *b, uint32_t index)
{
	return session_table_post(b->sessions, index, ha_box_generation(b, index), SESSION_OP_KILL);
}

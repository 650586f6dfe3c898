/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Address groups over many reloads, against a model: made, referred to again, retired, revived,
 * freed, while sessions take, claim and give back.
 */
#include "nat_group.h"
#include "rcu.h"
#include "test_eal.h"

#include <rte_common.h>
#include <rte_memory.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST	0xcb007101u /* 203.0.113.1 */
#define SETS	9	    /* of parameters: three names, each in three versions */
#define WORKERS 2
#define LIVE	400 /* of each set */
#define STEPS	100000

struct live {
	struct nat_got got;
	uint8_t proto;
	rte_be32_t host;
	rte_be16_t port;
};

struct set {
	struct nat_group_params params;
	uint32_t references;
	uint16_t id; /* NAT_GROUP_NONE: was never made, or is surely free */
	struct live live[LIVE];
	uint32_t count;
};

static struct {
	struct rcu *rcu;
	int reader;
	struct nat_groups *groups;
	struct set sets[SETS];
	uint64_t random;
	uint32_t revived, kept, freed, refused;
} m;

static uint32_t
below(uint32_t n)
{
	m.random ^= m.random << 13;
	m.random ^= m.random >> 7;
	m.random ^= m.random << 17;
	return (uint32_t)(m.random >> 32) % n;
}

/* All have addresses in common: what one has no other gets, PAT and NO-PAT apart. */
static void
describe(unsigned int i)
{
	struct nat_group_params *p = &m.sets[i].params;

	*p = (struct nat_group_params){ .mode = i / 3 == 1 ? NAT_POOL_NO_PAT : NAT_POOL_PAT,
		.endpoint_independent = i / 3 == 2,
		.block = 64U << (i % 3),
		.section_count = 1,
		.sections = { { FIRST, FIRST + 3 + i % 3 } } };
	snprintf(p->name, sizeof(p->name), "group%u", i / 3);
	m.sets[i].id = NAT_GROUP_NONE;
}

static void
acquire(struct set *s)
{
	char err[128] = "";
	const uint16_t id = nat_groups_acquire(m.groups, &s->params, err, sizeof(err));

	assert_string_equal(err, "");
	assert_int_not_equal(id, NAT_GROUP_NONE);
	/* One that anybody refers to, or has something of, is still the same. */
	if (s->references > 0 || s->count > 0)
		assert_int_equal(id, s->id);
	m.kept += s->references > 0;
	m.revived += s->references == 0 && s->count > 0;
	for (unsigned int i = 0; i < SETS; i++)
		if (&m.sets[i] != s && (m.sets[i].references > 0 || m.sets[i].count > 0))
			assert_int_not_equal(m.sets[i].id, id);
	s->id = id;
	s->references++;
	assert_false(nat_groups_retired(m.groups, id));
}

static void
release(struct set *s)
{
	nat_groups_release(m.groups, s->id);
	s->references--;
	assert_int_equal(nat_groups_retired(m.groups, s->id), s->references == 0);
}

/* Is it somebody's already?  PAT: one port, one session; else one host or inside endpoint. */
static bool
others_of(const struct set *s, const struct set *of, const struct live *l)
{
	const bool pat = s->params.mode == NAT_POOL_PAT;
	const bool one = of != s || !s->params.endpoint_independent; /* port, one session */

	for (uint32_t i = 0; i < of->count; i++) {
		const struct live *o = &of->live[i];
		const bool same = o->got.addr == l->got.addr &&
				  (!pat || (o->got.port == l->got.port && o->proto == l->proto));

		if (same && (o->host != l->host || (pat && (one || o->port != l->port))))
			return true;
	}
	return false;
}

static bool
others(const struct set *s, const struct live *l)
{
	for (unsigned int i = 0; i < SETS; i++) {
		if (m.sets[i].params.mode == s->params.mode && others_of(s, &m.sets[i], l))
			return true;
	}
	return false;
}

static void
take(struct set *s)
{
	const struct nat_want want = { .worker = (uint16_t)below(WORKERS),
		.proto = below(2) ? IPPROTO_TCP : IPPROTO_UDP,
		.host = rte_cpu_to_be_32(0x0a000001 + below(8)),
		.port = rte_cpu_to_be_16((uint16_t)(900 + below(200))),
		.remote = RTE_BE32(0xc8010101),
		.remote_port = RTE_BE16(443) };
	struct live l = { .proto = want.proto, .host = want.host, .port = want.port };

	if (s->references == 0 || s->count == LIVE)
		return;
	if (nat_groups_take(m.groups, s->id, &want, &l.got) != NAT_OK) {
		assert_int_equal(s->params.mode, NAT_POOL_NO_PAT); /* fewer addresses than hosts */
		m.refused++;
		return;
	}
	assert_false(others(s, &l));
	s->live[s->count++] = l;
}

/* The peer's word; not heard of a retired group. */
static void
claim(struct set *s)
{
	struct live l = { .proto = IPPROTO_UDP,
		.host = rte_cpu_to_be_32(0x0a000001 + below(8)),
		.port = rte_cpu_to_be_16((uint16_t)(3000 + below(1000))) };
	enum nat_refusal refusal;

	if (s->id == NAT_GROUP_NONE || s->count == LIVE || s->params.mode != NAT_POOL_PAT ||
		s->params.endpoint_independent)
		return;
	if (s->references == 0 && s->count == 0)
		return; /* its place may be another's */
	l.got = (struct nat_got){ .addr = RTE_BE32(FIRST), .port = l.port };
	refusal = nat_groups_claim(m.groups, s->id, l.proto, l.host, l.port, &l.got);
	if (s->references == 0) {
		assert_int_equal(refusal, NAT_NOT_OURS);
		return;
	}
	assert_int_equal(refusal, others(s, &l) ? NAT_TAKEN : NAT_OK);
	if (refusal == NAT_OK)
		s->live[s->count++] = l;
}

static void
give(struct set *s)
{
	uint32_t i;

	if (s->count == 0)
		return;
	i = below(s->count);
	nat_groups_give(m.groups, s->id, s->live[i].proto, &s->live[i].got);
	s->live[i] = s->live[--s->count];
}

/* Retired: at least those that somebody has something of; after a grace period exactly those. */
static void
sweep(void)
{
	uint32_t held = 0, left;

	for (unsigned int i = 0; i < SETS; i++)
		held += m.sets[i].references == 0 && m.sets[i].count > 0;
	left = nat_groups_sweep(m.groups);
	assert_true(left >= held);
	rcu_quiescent(m.rcu, m.reader);
	if (nat_groups_sweep(m.groups) != held)
		fail_msg("%u groups retired, %u of them held", nat_groups_sweep(m.groups), held);
	m.freed += left - held;
	for (unsigned int i = 0; i < SETS; i++)
		if (m.sets[i].references == 0 && m.sets[i].count == 0)
			m.sets[i].id = NAT_GROUP_NONE;
}

/* What shows say of a set is what the model has. */
static void
check(const struct set *s)
{
	struct nat_group_stats stats;
	struct nat_usage u;

	if (s->references == 0 && s->count == 0)
		return;
	assert_string_equal(nat_groups_params(m.groups, s->id)->name, s->params.name);
	assert_int_equal(nat_groups_retired(m.groups, s->id), s->references == 0);
	stats = nat_groups_stats(m.groups, s->id);
	assert_int_equal(stats.taken - stats.given, s->count);
	u = nat_pool_usage(nat_groups_pool(m.groups, s->id), NAT_POOL_UNOWNED);
	if (s->params.mode == NAT_POOL_PAT && !s->params.endpoint_independent)
		assert_int_equal(u.used[0] + u.used[1], s->count);
	if (s->params.mode == NAT_POOL_PAT)
		assert_int_equal(u.used[0] + u.used[1] > 0, s->count > 0);
	else if (s->count > 0) /* else they may be another's */
		assert_true(u.hosts > 0);
	if (s->references > 0)
		assert_int_not_equal(nat_groups_find(m.groups, s->params.name), NAT_GROUP_NONE);
}

static void
step(void)
{
	struct set *s = &m.sets[below(SETS)];

	switch (below(16)) {
	case 0:
		if (s->references < 3)
			acquire(s);
		break;
	case 1:
		if (s->references > 0)
			release(s);
		break;
	case 2:
		if (below(8) == 0)
			sweep();
		break;
	case 3:
		claim(s);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		take(s);
		break;
	case 9: /* all its sessions end */
		while (below(4) == 0 && s->count > 0)
			for (uint32_t n = s->count; n > 0; n--)
				give(s);
		break;
	default:
		give(s);
		break;
	}
}

static void
NAT_17_random_reloads_agree_with_a_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		memset(&m, 0, sizeof(m));
		m.random = seed * 0x9e3779b97f4a7c15;
		m.rcu = rcu_create(SOCKET_ID_ANY);
		assert_non_null(m.rcu);
		m.reader = rcu_register(m.rcu); /* a worker, which is in no hurry */
		assert_true(m.reader >= 0);
		m.groups = nat_groups_create(&(struct nat_groups_params){ .workers = WORKERS,
			.max_sessions = SETS * LIVE,
			.rcu = m.rcu,
			.seed = seed,
			.socket = SOCKET_ID_ANY });
		assert_non_null(m.groups);
		for (unsigned int i = 0; i < SETS; i++)
			describe(i);
		for (uint32_t i = 0; i < STEPS; i++) {
			step();
			if (i % 50 == 0)
				check(&m.sets[below(SETS)]);
		}
		print_message("seed %lu: kept %u, revived %u, freed %u, refused %u\n",
			(unsigned long)seed, m.kept, m.revived, m.freed, m.refused);
		assert_true(m.kept > 100 && m.revived > 100 && m.freed > 20 && m.refused > 0);
		for (unsigned int i = 0; i < SETS; i++) {
			while (m.sets[i].references > 0)
				release(&m.sets[i]);
			while (m.sets[i].count > 0)
				give(&m.sets[i]);
		}
		sweep();
		assert_int_equal(nat_groups_sweep(m.groups), 0);
		nat_groups_destroy(m.groups);
		rcu_unregister(m.rcu, m.reader);
		rcu_destroy(m.rcu);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(NAT_17_random_reloads_agree_with_a_model),
	};

	test_eal_start(64, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

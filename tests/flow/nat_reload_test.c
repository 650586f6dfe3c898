/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NAT-17: what a reload changes under 10,000 live translated sessions (docs/nat.md, "Changes while
 * it runs"), and that afterwards everything is given back.
 */
#include "nat_flows.h"
#include "session_recheck.h"
#include "test_eal.h"

#include <rte_mempool.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FLOWS	  10000U
#define ADDRESSES 4U
#define WORKERS	  2
#define BATCH	  256
#define OTHER	  BOX_IPV4(203, 0, 114, 1)

enum becomes { BECOMES_LIVE, BECOMES_ENDED, BECOMES_DROPPED };

struct change {
	const char *name;
	void (*make)(struct engine_box *);
	bool keep;		 /* security_policy.on_change: nobody looks at the sessions */
	enum becomes becomes;	 /* of the sessions there are */
	enum drop_reason reason; /* their packets are dropped for, at least those outwards */
	uint32_t sources;	 /* first address new sessions leave with; 0: their own */
	bool closed;		 /* none are permitted */
	void (*back)(struct engine_box *); /* afterwards the sessions go on */
};

static struct {
	struct engine_box *box;
	struct frame_spec reply[FLOWS];
	uint32_t replies;
	uint32_t out[BOX_PORTS];
	uint32_t from_group, from_other, from_inside; /* of what has left outside */
	bool learn;
} world;

static void
count_source(const uint8_t *frame)
{
	const uint32_t src = frame_get(frame + RTE_ETHER_HDR_LEN + 12, 4);

	world.from_group += src - NAT_FLOWS_FIRST < ADDRESSES;
	world.from_other += src - OTHER < ADDRESSES;
	world.from_inside += src >> 24 == 10;
}

static void
drain(void)
{
	struct rte_mbuf *m;

	engine_box_poll(world.box);
	for (uint16_t port = 0; port < BOX_PORTS; port++) {
		while ((m = engine_box_collect(world.box, port)) != NULL) {
			const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
			const char *wrong = frame_sums(frame, rte_pktmbuf_pkt_len(m));

			if (wrong != NULL)
				fail_msg("%s", wrong);
			if (port == BOX_UNTRUST)
				count_source(frame);
			if (port == BOX_UNTRUST && world.learn && world.replies < FLOWS)
				world.reply[world.replies++] = nat_flow_reply(frame);
			world.out[port]++;
			rte_pktmbuf_free(m);
		}
	}
}

/* A later packet than the first, or the first answer. */
static struct frame_spec
later(struct frame_spec s)
{
	if (s.kind == FRAME_TCP) {
		const bool reply = s.ack != 0;

		s.flags = 0x10;
		s.seq = reply ? 5001 : 1001;
		s.ack = reply ? 1001 : 5001;
	}
	return s;
}

static void
feed(uint16_t port, uint32_t i, const struct frame_spec *s)
{
	/* Each direction at another worker. */
	const uint16_t queue = (uint16_t)((i + (port == BOX_TRUST)) % WORKERS);

	assert_true(nat_flow_feed(world.box, port, queue, s));
	if (i % BATCH == BATCH - 1)
		drain();
}

static void
forget(void)
{
	memset(world.out, 0, sizeof(world.out));
	world.from_group = world.from_other = world.from_inside = 0;
}

/* Packets of sessions first..first+n-1, outwards. */
static void
outwards(uint32_t first, uint32_t n, bool new)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct frame_spec s = nat_flow(first + i), l = new ? s : later(s);

		feed(BOX_TRUST, i, &l);
	}
	drain();
}

static void
inwards(bool new)
{
	for (uint32_t i = 0; i < world.replies; i++) {
		const struct frame_spec s = new ? world.reply[i] : later(world.reply[i]);

		feed(BOX_UNTRUST, i, &s);
	}
	drain();
}

static void
establish(void)
{
	world.replies = 0;
	world.learn = true;
	outwards(0, FLOWS, true);
	world.learn = false;
	assert_int_equal(world.replies, FLOWS);
	inwards(true);
	forget();
	outwards(0, FLOWS, false);
	inwards(false);
	assert_int_equal(world.out[BOX_UNTRUST], FLOWS);
	assert_int_equal(world.out[BOX_TRUST], FLOWS);
	assert_int_equal(world.from_group, FLOWS);
	assert_int_equal(nat_flows_used(world.box, "pool"), FLOWS);
}

static uint32_t
sessions(void)
{
	return session_table_count(engine_sessions(world.box->engine));
}

static uint64_t
drops(enum drop_reason reason)
{
	struct worker_stats s;

	engine_stats(world.box->engine, &s);
	return s.drops[reason];
}

/* As management does it, by steps, while the workers run. */
static void
recheck(void)
{
	struct session_recheck r = { .rezoned = world.box->rezoned };

	while (session_recheck(world.box->engine, 1000, &r))
		engine_box_poll(world.box);
	for (uint32_t left = UINT32_MAX; left > sessions();) {
		left = sessions();
		engine_box_wait(world.box, 10);
	}
}

static uint32_t
retired(void)
{
	struct nat_groups *groups = engine_nat_groups(world.box->engine);

	(void)nat_groups_sweep(groups);
	engine_box_wait(world.box, 10);
	return nat_groups_sweep(groups);
}

/* ---- changes ---- */

static void
remove_rule(struct engine_box *b)
{
	b->nat.rule_count = 0;
	engine_box_publish(b);
}

static void
remove_all(struct engine_box *b)
{
	b->nat.rule_count = b->nat.group_count = 0;
	engine_box_publish(b);
}

static void
other_group(struct engine_box *b)
{
	struct nat_group_params *g = &b->nat.groups[0];

	memset(g->name, 0, sizeof(g->name));
	memcpy(g->name, "other", 5);
	g->sections[0] = (struct nat_pool_section){ OTHER, OTHER + ADDRESSES - 1 };
	engine_box_publish(b);
}

static void
change_group(struct engine_box *b)
{
	b->nat.groups[0].sections[0] = (struct nat_pool_section){ OTHER, OTHER + ADDRESSES - 1 };
	engine_box_publish(b);
}

static void
change_group_back(struct engine_box *b)
{
	b->nat.groups[0].sections[0] =
		(struct nat_pool_section){ NAT_FLOWS_FIRST, NAT_FLOWS_FIRST + ADDRESSES - 1 };
	engine_box_publish(b);
}

static void
change_and_back(struct engine_box *b)
{
	change_group(b);
	drain();
	change_group_back(b);
}

static void
shut_interface(struct engine_box *b)
{
	b->up[BOX_UNTRUST] = false;
	engine_box_publish(b);
}

static void
open_interface(struct engine_box *b)
{
	b->up[BOX_UNTRUST] = true;
	engine_box_publish(b);
}

static void
move_interface(struct engine_box *b)
{
	b->zones[BOX_UNTRUST] = BOX_ZONE_DMZ;
	b->rezoned = UINT64_C(1) << BOX_UNTRUST;
	engine_box_publish(b);
}

/* Its routes go with it. */
static void
remove_interface(struct engine_box *b)
{
	struct snapshot *s;
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->route_count; i++)
		if (b->routes[i].interface != BOX_UNTRUST)
			b->routes[n++] = b->routes[i];
	b->route_count = n;
	engine_box_publish(b);
	static_assert(BOX_UNTRUST == BOX_PORTS - 1, "the last one");
	s = engine_box_snapshot(b);
	s->interface_count = BOX_UNTRUST;
	engine_box_sleep(b);
	engine_publish(b->engine, s);
	engine_box_wake(b);
}

static const struct change changes[] = {
	{ .name = "nothing", .make = engine_box_publish, .sources = NAT_FLOWS_FIRST },
	{ .name = "rule removed", .make = remove_rule },
	{ .name = "all of it removed", .make = remove_all, .becomes = BECOMES_ENDED },
	{ .name = "group removed",
		.make = other_group,
		.becomes = BECOMES_ENDED,
		.sources = OTHER },
	{ .name = "group changed",
		.make = change_group,
		.becomes = BECOMES_ENDED,
		.sources = OTHER },
	{ .name = "group changed, on_change = keep",
		.make = change_group,
		.keep = true,
		.sources = OTHER },
	{ .name = "group removed, on_change = keep",
		.make = other_group,
		.keep = true,
		.sources = OTHER },
	{ .name = "group changed and changed back",
		.make = change_and_back,
		.sources = NAT_FLOWS_FIRST },
	{ .name = "interface shut",
		.make = shut_interface,
		.becomes = BECOMES_DROPPED,
		.reason = DROP_no_route,
		.closed = true,
		.back = open_interface },
	{ .name = "interface in another zone",
		.make = move_interface,
		.becomes = BECOMES_ENDED,
		.closed = true },
	{ .name = "interface removed",
		.make = remove_interface,
		.becomes = BECOMES_DROPPED,
		.reason = DROP_no_route,
		.closed = true },
};

/* ---- what must hold ---- */

static void
old_sessions_are_as_documented(const struct change *c)
{
	const uint64_t before = drops(c->reason);

	if (c->becomes == BECOMES_ENDED) {
		assert_int_equal(sessions(), 0);
		assert_int_equal(retired(), 0);
		assert_int_equal(nat_flows_used(world.box, "pool"), 0);
		return;
	}
	assert_int_equal(sessions(), FLOWS);
	forget();
	outwards(0, FLOWS, false);
	assert_int_equal(world.out[BOX_UNTRUST], c->becomes == BECOMES_LIVE ? FLOWS : 0);
	assert_int_equal(world.from_group, world.out[BOX_UNTRUST]);
	if (c->becomes == BECOMES_DROPPED)
		assert_int_equal(drops(c->reason) - before, FLOWS);
	forget(); /* of senders that were told */
	inwards(false);
	assert_int_equal(world.out[BOX_TRUST], c->becomes == BECOMES_LIVE ? FLOWS : 0);
}

static void
new_sessions_are_as_configured(const struct change *c)
{
	const uint32_t n = 1000;

	forget();
	outwards(FLOWS, n, true);
	assert_int_equal(world.out[BOX_UNTRUST], c->closed ? 0 : n);
	assert_int_equal(world.from_group, c->sources == NAT_FLOWS_FIRST ? n : 0);
	assert_int_equal(world.from_other, c->sources == OTHER ? n : 0);
	assert_int_equal(world.from_inside, c->sources == 0 && !c->closed ? n : 0);
}

static void
everything_comes_back(void)
{
	const struct session_table *t = engine_sessions(world.box->engine);

	for (unsigned int i = 0; session_table_taken(t) > 0; i++) {
		assert_true(i < 20000);
		engine_box_wait(world.box, 500);
	}
	assert_int_equal(retired(), 0);
	assert_int_equal(nat_flows_used(world.box, "pool"), 0);
	assert_int_equal(nat_flows_used(world.box, "other"), 0);
	assert_int_equal(rte_mempool_in_use_count(world.box->pool), 0);
}

static void
NAT_17_reloads_under_ten_thousand_sessions_do_as_documented(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(changes); i++) {
		const struct change *c = &changes[i];

		print_message("%s\n", c->name);
		world.box = nat_flows_box("nr", WORKERS, 2 * FLOWS, ADDRESSES);
		establish();
		c->make(world.box);
		if (!c->keep)
			recheck();
		old_sessions_are_as_documented(c);
		new_sessions_are_as_configured(c);
		if (c->back != NULL) {
			c->back(world.box);
			forget();
			outwards(0, FLOWS, false);
			inwards(false);
			assert_int_equal(world.out[BOX_UNTRUST], FLOWS);
			assert_int_equal(world.out[BOX_TRUST], FLOWS);
		}
		everything_comes_back();
		engine_box_destroy(world.box);
	}
}

/* The sessions end while as many others begin. */
static void
NAT_17_a_group_changes_under_traffic(void **state)
{
	struct session_recheck r = { 0 };
	uint32_t next = FLOWS;
	bool more = true;

	(void)state;
	world.box = nat_flows_box("nr", WORKERS, 4 * FLOWS, ADDRESSES);
	establish();
	change_group(world.box);
	forget();
	while (more || next < 2 * FLOWS) {
		if (more)
			more = session_recheck(world.box->engine, 1000, &r);
		if (next < 2 * FLOWS) {
			outwards(next, BATCH, true);
			next += BATCH;
		}
		drain();
	}
	for (uint32_t left = UINT32_MAX; left > sessions();) {
		left = sessions();
		engine_box_wait(world.box, 10);
	}
	assert_int_equal(r.denied, FLOWS);
	assert_int_equal(sessions(), next - FLOWS);
	assert_int_equal(world.from_other, next - FLOWS);
	assert_int_equal(nat_flows_used(world.box, "pool"), next - FLOWS);
	assert_int_equal(retired(), 0);
	everything_comes_back();
	engine_box_destroy(world.box);
}

/* Other blocks: the group is another one, with the same address. */
static void
change_blocks(struct engine_box *b, bool independent)
{
	b->nat.groups[0].block = 512;
	b->nat.groups[0].endpoint_independent = independent;
	engine_box_publish(b);
}

/* UDP until there is no port left.  => sessions begun */
static uint32_t
exhaust(uint32_t next)
{
	const uint64_t before = drops(DROP_nat_exhausted);
	uint32_t n = 0;

	forget();
	while (drops(DROP_nat_exhausted) == before) {
		for (uint32_t i = 0; i < BATCH; i++, next++) {
			const struct frame_spec s = nat_flow(next);

			if (s.kind == FRAME_UDP) {
				feed(BOX_TRUST, i, &s);
				n++;
			}
		}
		drain();
	}
	assert_int_equal(world.out[BOX_UNTRUST] + drops(DROP_nat_exhausted) - before, n);
	return world.out[BOX_UNTRUST];
}

/* on_change = "keep": the group that has changed gives nothing away that a session of the old one
 * has. */
static void
NAT_17_kept_sessions_keep_their_ports(void **state)
{
	const uint32_t ports = 65536 - 1024, old = FLOWS / 4 * 3; /* of UDP */

	(void)state;
	for (unsigned int independent = 0; independent < 2; independent++) {
		world.box = nat_flows_box("nr", WORKERS, FLOWS + ports, 1);
		establish();
		change_blocks(world.box, independent);
		assert_int_equal(exhaust(FLOWS), ports - old);
		assert_int_equal(drops(DROP_nat_clash), 0);
		assert_int_equal(sessions(), FLOWS + ports - old);
		assert_int_equal(
			nat_flows_used(world.box, "pool"), ports - old); /* of the new one */
		forget();
		outwards(0, FLOWS, false);
		inwards(false);
		assert_int_equal(world.out[BOX_UNTRUST], FLOWS);
		assert_int_equal(world.out[BOX_TRUST], FLOWS);
		everything_comes_back();
		/* Those that have ended are to be had again. */
		assert_int_equal(exhaust(0), ports);
		everything_comes_back();
		engine_box_destroy(world.box);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(NAT_17_reloads_under_ten_thousand_sessions_do_as_documented),
		cmocka_unit_test(NAT_17_a_group_changes_under_traffic),
		cmocka_unit_test(NAT_17_kept_sessions_keep_their_ports),
	};

	test_eal_start(128, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

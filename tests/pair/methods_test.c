/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Methods of mirroring: what a takeover keeps, and what load sharing needs, with each.
 */
#include "blacklist.h"
#include "hrp.h"
#include "ipv4.h"
#include "pair.h"
#include "servermap.h"
#include "session_table.h"
#include "test_eal.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HELLO_MS  100
#define TCPS	  20
#define PERIOD_MS 2000

static const char quick[] = "auto_sync = false; mirror_session = true;";
static const char automatic[] = "mirror_session = false; auto_sync_period_s = 2;";

/* What a failed case leaves behind. */
static struct pair *
new_pair(uint32_t seed, const char *methods, bool sharing)
{
	return pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
		.tcp_count = TCPS,
		.seed = seed,
		.workers = { 2, (uint16_t)(1 + seed % 2) },
		.sharing = sharing,
		.hrp = methods });
}

static bool
second_owns(struct pair *p)
{
	return pair_owner(p) == 1;
}

static uint16_t
alive(struct pair *p)
{
	return traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p));
}

static uint16_t
opened(struct pair *p)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < TCPS; i++)
		n += pair_traffic(p)->tcp[i].client.open;
	return n;
}

static bool
all_answered(struct pair *p)
{
	return opened(p) == TCPS && pair_traffic(p)->probe_received > 100;
}

/* FW1 serves the inside and FW2 the outside: each reply comes to the box that has not seen the
 * request. */
static void
R199_R200_a_reply_by_the_other_box_passes_with_quick_mirroring_only(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		const bool at_once = i % 2 == 0;
		struct pair *p = new_pair(i,
			at_once ? quick : "mirror_session = false; auto_sync_period_s = 60;", true);
		struct traffic *t = pair_traffic(p);

		t->udp_on = t->tcp_on = false;
		assert_true(pair_run_until(p, pair_synchronised, 10000));
		t->udp_on = t->tcp_on = true;
		if (at_once) {
			assert_true(pair_run_until(p, all_answered, 3000));
		} else {
			pair_run(p, 3000);
			assert_int_equal(opened(p), 0);
			assert_int_equal(t->probe_received, 0);
			assert_int_equal(pair_sessions(p, 1), 0);
			assert_true(pair_sessions(p, 0) > TCPS);
		}
		pair_teardown(NULL);
	}
}

/* R195 */
static void
R193_R195_a_takeover_with_automatic_mirroring_keeps_what_is_older_than_a_period(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 2; seed++) {
		struct pair *p = new_pair(seed, automatic, false);

		pair_form(p);
		pair_run(p, PERIOD_MS + 100);
		assert_true(pair_sessions(p, 1) >= TCPS);
		pair_kill(p, 0);
		assert_true(pair_run_until(p, second_owns, 2000));
		pair_run(p, 1500);
		assert_int_equal(alive(p), TCPS);
		pair_teardown(NULL);
	}
}

/* ---- repair ---- */

static struct session_table *
sessions_of(struct pair *p, unsigned int box)
{
	return engine_sessions(pair_box(p, box)->engine);
}

/* A box's session of the client's port; SESSION_NONE: it has none. */
static uint32_t
find(struct pair *p, unsigned int box, uint16_t port)
{
	const struct session_table *t = sessions_of(p, box);
	const struct session_key4 *key_list[1];
	struct session_key4 key;
	uint32_t index;
	uint8_t swap = 0;

	session_key4_make(&key, RTE_BE32(IPV4(10, 1, 1, 10)), RTE_BE32(IPV4(200, 1, 1, 10)),
		rte_cpu_to_be_16(port), RTE_BE16(80), IPPROTO_TCP);
	key_list[0] = &key;
	session_table_lookup4(t, key_list, 1, &index, &swap);
	return index;
}

static void
remove_session(struct pair *p, unsigned int box, uint16_t port)
{
	struct session_table *t = sessions_of(p, box);
	const uint32_t index = find(p, box, port);

	assert_int_not_equal(index, SESSION_NONE);
	assert_true(session_table_post(
		t, index, atomic_load(&session_table_at(t, index)->generation), SESSION_OP_KILL));
}

static void
change_state(struct pair *p, unsigned int box, uint16_t port, enum session_state state)
{
	struct session *s = session_table_at(sessions_of(p, box), find(p, box, port));

	atomic_store(&s->ctl, (atomic_load(&s->ctl) & ~SESSION_STATE_MASK) | state);
}

#define PORT	40003
#define STRANGE 39999

/* The standby has lost one. */
static void
damage_missing(struct pair *p)
{
	remove_session(p, 1, PORT);
}

/* The standby has one that nobody knows. */
static void
damage_extra(struct pair *p)
{
	struct session_table *t = sessions_of(p, 1);
	struct session *s = session_table_alloc(t);
	struct session_key4 key;
	bool existed = false;

	assert_non_null(s);
	const uint8_t swap = session_key4_make(&key, RTE_BE32(IPV4(10, 1, 1, 10)),
		RTE_BE32(IPV4(200, 1, 1, 10)), RTE_BE16(STRANGE), RTE_BE16(80), IPPROTO_TCP);
	s->zone[0] = 2;
	s->zone[1] = 4;
	s->dir[0].neigh = s->dir[1].neigh = NEIGH_NONE;
	atomic_store(&s->last_seen, mono_seconds(pair_now(p)));
	atomic_store(&s->ctl,
		session_kind(4, IPPROTO_TCP, swap) | SESSION_TCP_ESTABLISHED | SESSION_F_REMOTE);
	assert_int_not_equal(
		session_table_insert4(t, s, &key, UINT16_MAX, pair_now(p), &existed), SESSION_NONE);
	assert_false(existed);
}

/* The standby holds one in another state. */
static void
damage_state(struct pair *p)
{
	change_state(p, 1, PORT, SESSION_TCP_FIN_WAIT);
}

/* And by another rule. */
static void
damage_rule(struct pair *p)
{
	session_table_at(sessions_of(p, 1), find(p, 1, PORT))->policy ^= 1;
}

/* A session of the active box has ended, and the word of it is lost. */
static void
damage_unheard_end(struct pair *p)
{
	engine_set_mirror(pair_box(p, 0)->engine, false);
	remove_session(p, 0, PORT);
	pair_run(p, 5);
	engine_set_mirror(pair_box(p, 0)->engine, true);
}

/* A session of the active box has changed, and the word of it is lost. */
static void
damage_unheard_change(struct pair *p)
{
	change_state(p, 0, PORT + 1, SESSION_TCP_CLOSE_WAIT);
}

/* The port's session is the same on both boxes, or on neither. */
static bool
same(struct pair *p, uint16_t port)
{
	const uint32_t at[2] = { find(p, 0, port), find(p, 1, port) };
	const struct session *s[2];

	if (at[0] == SESSION_NONE || at[1] == SESSION_NONE)
		return at[0] == at[1];
	for (unsigned int i = 0; i < 2; i++)
		s[i] = session_table_at(sessions_of(p, i), at[i]);
	return session_state_of(atomic_load(&s[0]->ctl)) ==
		       session_state_of(atomic_load(&s[1]->ctl)) &&
	       s[0]->policy == s[1]->policy;
}

static bool
all_same(struct pair *p)
{
	return same(p, PORT) && same(p, PORT + 1) && same(p, STRANGE);
}

/* HAC-07: without an order and without a bulk; each is found within a round. */
static void
R197_one_entry_that_differs_is_found_and_repaired_within_ten_seconds(void **state)
{
	static const struct {
		void (*damage)(struct pair *);
		uint64_t differing, repaired; /* parts at the owner, entries at the peer */
	} rows[] = {
		{ damage_missing, 1, 1 },
		{ damage_extra, 0, 1 },
		{ damage_state, 1, 1 },
		{ damage_rule, 1, 1 },
		{ damage_unheard_change, 0, 0 }, /* told late, like any change */
		{ damage_unheard_end, 0, 0 },
	};
	struct pair *p = new_pair(1, quick, false);
	uint64_t differing = 0, repaired = 0;

	(void)state;
	pair_form(p);
	pair_traffic(p)->tcp_on = pair_traffic(p)->udp_on = false;
	pair_run(p, 50);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		rows[i].damage(p);
		pair_run(p, 5);
		assert_false(all_same(p));
		if (!pair_run_until(p, all_same, 10000))
			fail_msg("row %zu is not repaired", i);
		differing += rows[i].differing;
		repaired += rows[i].repaired;
		pair_run(p, 100); /* until the status says so */
		assert_int_equal(pair_table(p, 0, "session")->differing, differing);
		assert_int_equal(pair_table(p, 1, "session")->repaired, repaired);
	}
	assert_int_equal(pair_table(p, 0, "session")->unrepaired, 0);
	assert_int_equal(pair_table(p, 0, "session")->bulks_out, 1);
	assert_true(pair_synchronised(p));
	pair_teardown(NULL);
}

/* ---- load sharing ---- */

/* Both are active; which box the client and the server send by. */
static struct pair *
shared_pair(uint32_t seed, unsigned int client_by, unsigned int server_by)
{
	struct pair *p = new_pair(seed, quick, true);

	pair_traffic(p)->client->gateway = IPV4(10, 1, 1, client_by == 0 ? 1 : 4);
	pair_traffic(p)->server->gateway = IPV4(200, 1, 1, server_by == 0 ? 1 : 4);
	pair_form(p);
	return p;
}

static void
lose(struct pair *p, unsigned int box)
{
	remove_session(p, box, PORT);
}

static void
end_early(struct pair *p, unsigned int box)
{
	change_state(p, box, PORT, SESSION_TCP_FIN_WAIT);
}

static void
go_back(struct pair *p, unsigned int box)
{
	change_state(p, box, PORT, SESSION_TCP_SYN_RECEIVED);
}

static void
mistake_rule(struct pair *p, unsigned int box)
{
	session_table_at(sessions_of(p, box), find(p, box, PORT))->policy ^= 1;
}

/* Each box has copies of what passes the other alone; what passes both, both own. */
static void
R197_X39_one_session_that_differs_is_repaired_within_ten_seconds_with_load_sharing(void **state)
{
	static const struct {
		unsigned int client_by, server_by, damaged;
		void (*damage)(struct pair *, unsigned int box);
	} rows[] = {
		{ 0, 0, 1, end_early },
		{ 0, 0, 1, go_back },
		{ 0, 0, 1, mistake_rule },
		{ 0, 0, 1, lose },
		{ 1, 1, 0, end_early },
		{ 1, 1, 0, go_back },
		{ 1, 1, 0, mistake_rule },
		{ 1, 1, 0, lose },
		{ 0, 1, 0, go_back },
		{ 0, 1, 1, go_back },
		{ 1, 0, 1, go_back },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct pair *p = shared_pair((uint32_t)i, rows[i].client_by, rows[i].server_by);
		const unsigned int at = rows[i].damaged;

		pair_traffic(p)->tcp_on = pair_traffic(p)->udp_on = false;
		pair_run(p, 50);
		/* What either has heard of the other's it tells late, which would repair, too. */
		for (unsigned int b = 0; b < 2; b++)
			session_table_set_dirty(sessions_of(p, b), find(p, b, PORT));
		pair_run(p, 50);
		assert_true(same(p, PORT));
		rows[i].damage(p, at);
		pair_run(p, 5);
		assert_false(same(p, PORT));
		if (!pair_run_until(p, all_same, 10000))
			fail_msg("row %zu is not repaired", i);
		pair_run(p, 100); /* until the status says so */
		const struct hrp_table_status owner = *pair_table(p, !at, "session");
		const struct hrp_table_status holder = *pair_table(p, at, "session");

		if (owner.differing != 1 || holder.repaired != 1 || holder.differing != 0 ||
			owner.unrepaired != 0)
			fail_msg("row %zu: %u parts differed, %u unrepaired, %u repaired; %u the "
				 "other way",
				i, (unsigned int)owner.differing, (unsigned int)owner.unrepaired,
				(unsigned int)holder.repaired, (unsigned int)holder.differing);
		pair_teardown(NULL);
	}
}

/* What one box has seen before the other is no difference. */
static void
X12_X39_nothing_is_repaired_that_is_right_with_load_sharing(void **state)
{
	(void)state;
	for (unsigned int server_by = 0; server_by < 2; server_by++) {
		struct pair *p = shared_pair(5, 0, server_by);

		*pair_heartbeat(p) = (struct pair_wire){
			.loss = 5, .duplicate = 5, .reorder = 10, .delay_us = 300
		};
		pair_traffic(p)->udp_on = false;
		traffic_churn(pair_traffic(p), 40);
		pair_run(p, 10000); /* two rounds */
		for (unsigned int b = 0; b < 2; b++) {
			const struct hrp_table_status a = *pair_table(p, b, "session");

			print_message("FW%u: %u records, %u parts compared\n", b + 1,
				(unsigned int)a.sent, (unsigned int)a.checked);
			assert_true(a.check_ns != 0);
			assert_true(a.checked >= 2 * 16);
			assert_int_equal(a.differing, 0);
			assert_int_equal(a.repaired, 0);
		}
		pair_teardown(NULL);
	}
}

/* ---- the other tables ---- */

static struct servermap *
map_of(struct pair *p, unsigned int box)
{
	return engine_servermap(pair_box(p, box)->engine);
}

static struct servermap_entry
expected_entry(struct pair *p, uint16_t port)
{
	return (struct servermap_entry){
		.key = { .dst = ip_addr_v4(RTE_BE32(IPV4(200, 1, 1, 10))),
			.dport = rte_cpu_to_be_16(port),
			.proto = IPPROTO_TCP },
		.zone = ZONE_NONE,
		.uses = 2,
		.parent = SERVERMAP_NONE,
		.until = mono_add_ms(pair_now(p), 60000),
	};
}

static void
expect(struct pair *p, uint16_t port)
{
	const struct servermap_entry e = expected_entry(p, port);
	bool renewed;

	assert_true(servermap_add(map_of(p, 0), &e, 0, &renewed));
}

/* One of the uses that an entry has left. */
static void
use(struct pair *p, unsigned int box, uint16_t port)
{
	const struct servermap_entry e = expected_entry(p, port);
	const struct ip_addr src = ip_addr_v4(RTE_BE32(IPV4(10, 1, 1, 10)));
	struct servermap_entry found;
	bool last;

	assert_true(servermap_take(
		map_of(p, box), &e.key, &src, ZONE_NONE, pair_now(p), &found, &last));
}

static void
map_missing(struct pair *p)
{
	struct servermap_entry e;
	uint16_t generation;
	uint32_t place = 0;

	while (!servermap_look(map_of(p, 1), place, &e, &generation))
		place++;
	servermap_drop(map_of(p, 1), place, generation, NULL, NULL);
}

static void
map_extra(struct pair *p)
{
	struct servermap_entry e = expected_entry(p, 3000);
	uint16_t generation;
	bool renewed;

	e.copy = true;
	assert_int_not_equal(
		servermap_copy(map_of(p, 1), &e, &generation, &renewed), SERVERMAP_NONE);
}

static void
map_content(struct pair *p)
{
	use(p, 1, 2001);
}

static bool
maps_same(struct pair *p)
{
	const struct ip_addr src = ip_addr_v4(RTE_BE32(IPV4(10, 1, 1, 10)));
	struct servermap_entry e, there;

	for (uint32_t i = 0; i < servermap_capacity(map_of(p, 0)); i++)
		if (servermap_at(map_of(p, 0), i, &e) &&
			(!servermap_peek(
				 map_of(p, 1), &e.key, &src, ZONE_NONE, pair_now(p), &there) ||
				there.uses != e.uses))
			return false;
	return servermap_count(map_of(p, 0)) == servermap_count(map_of(p, 1));
}

static struct blacklist *
list_of(struct pair *p, unsigned int box)
{
	return engine_blacklist(pair_box(p, box)->engine);
}

static struct blacklist_entry
listed(struct pair *p, uint32_t host)
{
	return (struct blacklist_entry){ .prefix = ip_addr_v4(
						 rte_cpu_to_be_32(IPV4(11, 0, 0, 0) + host)),
		.len = 32,
		.origin = BLACKLIST_MANUAL,
		.until = mono_add_ms(pair_now(p), 60000) };
}

static void
list_missing(struct pair *p)
{
	uint32_t slot = 0;

	assert_true(blacklist_hold(list_of(p, 1)));
	while (!list_of(p, 1)->entries[slot].copy)
		slot++;
	blacklist_drop(list_of(p, 1), slot);
	blacklist_let_go(list_of(p, 1));
}

static void
list_extra(struct pair *p)
{
	struct blacklist_entry e = listed(p, 99);

	e.copy = true;
	assert_true(blacklist_hold(list_of(p, 1)));
	assert_int_not_equal(blacklist_copy(list_of(p, 1), &e), BLACKLIST_NONE);
	blacklist_let_go(list_of(p, 1));
}

static void
list_content(struct pair *p)
{
	uint32_t slot = 0;

	while (!list_of(p, 1)->entries[slot].copy)
		slot++;
	list_of(p, 1)->entries[slot].until = MONO_NEVER;
}

/* A change of the active box that nobody was told of. */
static void
list_unheard(struct pair *p)
{
	list_of(p, 0)->entries[0].origin = BLACKLIST_SCAN;
}

static bool
lists_same(struct pair *p)
{
	const struct blacklist *b = list_of(p, 1);

	for (uint32_t i = 0; i < list_of(p, 0)->high; i++) {
		const struct blacklist_entry *e = &list_of(p, 0)->entries[i];
		uint32_t n = 0;

		for (uint32_t k = 0; k < b->high; k++)
			n += b->entries[k].copy && b->entries[k].origin == e->origin &&
			     b->entries[k].until.ns != MONO_NEVER.ns &&
			     ip_addr_equal(&b->entries[k].prefix, &e->prefix);
		if (n != 1)
			return false;
	}
	return b->count == list_of(p, 0)->count;
}

/* Nothing but four connections that are expected, and four entries of the blacklist; mirrored. */
static void
fill_lists(struct pair *p)
{
	pair_traffic(p)->tcp_on = pair_traffic(p)->udp_on = false;
	for (uint16_t i = 0; i < 4; i++) {
		const struct blacklist_entry e = listed(p, i);

		expect(p, (uint16_t)(2000 + i));
		assert_int_equal(pair_blacklist(p, 0, &e, true), 0);
	}
	pair_run(p, 150);
}

static void
R197_HAC07_one_entry_of_the_other_tables_is_repaired_within_ten_seconds(void **state)
{
	static const struct {
		const char *table;
		bool (*same)(struct pair *);
		void (*damage)(struct pair *);
		uint64_t differing, repaired;
	} rows[] = {
		{ "server-map", maps_same, map_missing, 1, 1 },
		{ "server-map", maps_same, map_extra, 0, 1 },
		{ "server-map", maps_same, map_content, 1, 1 },
		{ "blacklist", lists_same, list_missing, 1, 1 },
		{ "blacklist", lists_same, list_extra, 0, 1 },
		{ "blacklist", lists_same, list_content, 1, 1 },
		{ "blacklist", lists_same, list_unheard, 0, 0 },
	};
	struct pair *p = new_pair(3, quick, false);

	(void)state;
	pair_form(p);
	fill_lists(p);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct hrp_table_status at_0 = *pair_table(p, 0, rows[i].table);
		const struct hrp_table_status at_1 = *pair_table(p, 1, rows[i].table);

		assert_true(maps_same(p) && lists_same(p));
		rows[i].damage(p);
		assert_false(rows[i].same(p));
		if (!pair_run_until(p, rows[i].same, 10000))
			fail_msg("row %zu is not repaired", i);
		pair_run(p, 100); /* until the status says so */
		assert_int_equal(pair_table(p, 0, rows[i].table)->differing - at_0.differing,
			rows[i].differing);
		assert_int_equal(pair_table(p, 1, rows[i].table)->repaired - at_1.repaired,
			rows[i].repaired);
		assert_int_equal(pair_table(p, 0, rows[i].table)->bulks_out, 1);
	}
	pair_teardown(NULL);
}

/* Connections that come by the one box use an expected one up there; a blacklist is not used up. */
static void
R197_X39_lists_are_compared_and_what_is_used_up_is_not_with_load_sharing(void **state)
{
	struct pair *p = shared_pair(3, 0, 0);

	(void)state;
	fill_lists(p);
	assert_true(maps_same(p) && lists_same(p));
	map_content(p);
	list_content(p);
	assert_true(pair_run_until(p, lists_same, 10000));
	pair_run(p, 5000); /* a round */
	assert_int_equal(pair_table(p, 0, "blacklist")->differing, 1);
	assert_int_equal(pair_table(p, 1, "blacklist")->repaired, 1);
	assert_int_equal(pair_table(p, 0, "server-map")->differing, 0);
	assert_false(maps_same(p));
	pair_teardown(NULL);
}

/* What changes and what is lost on the way is no difference. */
static void
X12_nothing_is_repaired_that_is_right_while_connections_come_and_go(void **state)
{
	struct pair *p = new_pair(2, quick, false);

	(void)state;
	pair_form(p);
	*pair_heartbeat(p) =
		(struct pair_wire){ .loss = 5, .duplicate = 5, .reorder = 10, .delay_us = 300 };
	pair_traffic(p)->udp_on = false;
	traffic_churn(pair_traffic(p), 40);
	pair_run(p, 10000); /* two rounds */
	const struct hrp_table_status a = *pair_table(p, 0, "session");
	assert_true(a.check_ns != 0);
	assert_true(a.checked >= 2 * 16);
	assert_int_equal(a.differing, 0);
	assert_int_equal(a.bulks_out, 1);
	assert_true(a.sent > 10000);
	assert_int_equal(pair_table(p, 1, "session")->repaired, 0);
	assert_int_equal(pair_table(p, 0, "server-map")->differing, 0);
	assert_true(pair_table(p, 0, "server-map")->check_ns != 0);
	pair_teardown(NULL);
}

static void
the_mirror_is_two_milliseconds_behind(void **state)
{
	struct pair *p = new_pair(4, quick, false);

	(void)state;
	pair_form(p);
	pair_traffic(p)->udp_on = false;
	for (unsigned int heavy = 0; heavy < 2; heavy++) {
		traffic_churn(pair_traffic(p), heavy ? 60 : 3);
		pair_run(p, 1000);
		const struct hrp_table_status *const t = pair_table(p, 0, "session");
		print_message("lag %u us, at most %u us, %u records\n",
			(unsigned int)t->lag_median_us, (unsigned int)t->lag_max_us,
			(unsigned int)t->sent);
		assert_in_range(t->lag_median_us, 1, 2000);
	}
	pair_teardown(NULL);
}

/* Its HRP core goes on while its control core stands still: a box that was replaced and does not
 * know. */
static void
HAC07_X20_an_ended_session_does_not_come_back_from_a_box_that_was_replaced(void **state)
{
	static struct hrp_status status;
	struct pair *p = new_pair(3, quick, false);

	(void)state;
	pair_form(p);
	pair_traffic(p)->tcp_on = pair_traffic(p)->udp_on = false;
	pair_freeze(p, 0, PAIR_CONTROL);
	assert_true(pair_run_until(p, second_owns, 2000));
	pair_run(p, 10);
	remove_session(p, 1, PORT);
	pair_run(p, 10);
	assert_int_equal(find(p, 1, PORT), SESSION_NONE);
	session_table_set_dirty(sessions_of(p, 0), find(p, 0, PORT));
	for (unsigned int i = 0; i < 50; i++) {
		pair_run(p, 100);
		assert_int_equal(find(p, 1, PORT), SESSION_NONE);
	}
	hrp_status(ha_hrp(pair_box(p, 1)->ha), &status);
	assert_true(status.refused[HA_REFUSED_epoch] > 0);
	pair_freeze(p, 0, 0);
	assert_true(pair_run_until(p, pair_synchronised, 5000));
	assert_int_equal(find(p, 1, PORT), SESSION_NONE);
	assert_int_equal(pair_differences(p), 0);
	pair_teardown(NULL);
}

/* ---- what has ended at the successor ---- */

static bool
first_owns(struct pair *p)
{
	return pair_owner(p) == 0;
}

/* The second box alone is active, by a fault of the first; or the other way round. */
static void
hand_over(struct pair *p, unsigned int to)
{
	pair_link(p, to, false, true);
	pair_run(p, 20);
	pair_link(p, !to, false, false);
	assert_true(pair_run_until(p, to == 1 ? second_owns : first_owns, 2000));
}

static bool
at_one_box(struct pair *p)
{
	static struct hrp_status st[2];

	for (unsigned int b = 0; b < 2; b++)
		hrp_status(ha_hrp(pair_box(p, b)->ha), &st[b]);
	return st[1].active != 0 && st[0].active == 0 && st[0].peer_active != 0;
}

/* The successor ends them before it has told the former active box of them, and afterwards. */
static void
HAC07_what_ends_at_the_successor_is_gone_when_the_role_comes_back(void **state)
{
	static const struct {
		const char *methods;
		bool sharing;
		uint32_t delay_us;
	} rows[] = {
		{ quick, false, 0 },
		{ quick, false, 8000 },
		{ automatic, false, 8000 },
		{ quick, true, 0 },
		{ quick, true, 8000 },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
			.tcp_count = TCPS,
			.seed = (uint32_t)i,
			.workers = { 2, (uint16_t)(1 + i % 2) },
			.sharing = rows[i].sharing,
			.hrp = rows[i].methods });

		pair_form(p);
		pair_heartbeat(p)->delay_us = rows[i].delay_us;
		expect(p, 2000);
		pair_run(p, PERIOD_MS + 100);
		assert_int_equal(servermap_count(map_of(p, 1)), 1);
		pair_traffic(p)->tcp_on = pair_traffic(p)->udp_on = false;
		pair_run(p, 50);
		hand_over(p, 1);
		assert_true(pair_run_until(p, at_one_box, 1000));
		remove_session(p, 1, PORT);
		use(p, 1, 2000);
		use(p, 1, 2000);
		assert_true(pair_run_until(p, pair_synchronised, 5000));
		remove_session(p, 1, PORT + 1);
		pair_run(p, 50);
		assert_int_equal(find(p, 0, PORT), SESSION_NONE);
		hand_over(p, 0);
		assert_int_equal(find(p, 0, PORT), SESSION_NONE);
		assert_int_equal(find(p, 0, PORT + 1), SESSION_NONE);
		assert_int_not_equal(find(p, 0, PORT + 2), SESSION_NONE);
		assert_int_equal(servermap_count(map_of(p, 0)), 0);
		pair_traffic(p)->tcp_on = true;
		pair_run(p, 1500);
		assert_in_range(alive(p), TCPS - 2, TCPS);
		pair_teardown(NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			R199_R200_a_reply_by_the_other_box_passes_with_quick_mirroring_only,
			pair_teardown),
		cmocka_unit_test_teardown(
			R193_R195_a_takeover_with_automatic_mirroring_keeps_what_is_older_than_a_period,
			pair_teardown),
		cmocka_unit_test_teardown(
			R197_one_entry_that_differs_is_found_and_repaired_within_ten_seconds,
			pair_teardown),
		cmocka_unit_test_teardown(
			R197_X39_one_session_that_differs_is_repaired_within_ten_seconds_with_load_sharing,
			pair_teardown),
		cmocka_unit_test_teardown(
			X12_X39_nothing_is_repaired_that_is_right_with_load_sharing, pair_teardown),
		cmocka_unit_test_teardown(
			R197_HAC07_one_entry_of_the_other_tables_is_repaired_within_ten_seconds,
			pair_teardown),
		cmocka_unit_test_teardown(
			R197_X39_lists_are_compared_and_what_is_used_up_is_not_with_load_sharing,
			pair_teardown),
		cmocka_unit_test_teardown(
			X12_nothing_is_repaired_that_is_right_while_connections_come_and_go,
			pair_teardown),
		cmocka_unit_test_teardown(the_mirror_is_two_milliseconds_behind, pair_teardown),
		cmocka_unit_test_teardown(
			HAC07_X20_an_ended_session_does_not_come_back_from_a_box_that_was_replaced,
			pair_teardown),
		cmocka_unit_test_teardown(
			HAC07_what_ends_at_the_successor_is_gone_when_the_role_comes_back,
			pair_teardown),
	};

	test_eal_start(1024, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

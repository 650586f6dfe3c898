/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server-map as a replicated table: two engines, records carried by hand, fake clock.
 */
#include "alg_record.h"
#include "hrp.h"
#include "repl_sides.h"
#include "servermap_record.h"

static const struct repl_table *map_ops;

/* The second table of each side. */
struct map_side {
	struct side *side;
	struct servermap *map;
	void *t;
};
static struct map_side ma, mb;

static void
map_start(struct map_side *m, struct side *s)
{
	char err[128];

	m->side = s;
	m->map = engine_servermap(s->box.engine);
	m->t = map_ops->create(&(struct repl_params){ .engine = s->box.engine, .sessions = s->t },
		err, sizeof(err));
	assert_non_null(m->t);
}

static int
map_setup(void **state)
{
	uint32_t estimate;

	setup(state);
	map_ops = repl_tables_get()[1];
	assert_int_equal(map_ops->module, HRP_MODULE_SERVERMAP);
	map_start(&ma, &a);
	map_start(&mb, &b);
	map_ops->role(ma.t, &(struct repl_role){ .active = true, .sending = true });
	map_ops->role(mb.t, &(struct repl_role){ .peer_active = true });
	assert_int_equal(map_ops->walk_begin(ma.t, &estimate), servermap_capacity(ma.map));
	assert_true(map_ops->round(mb.t, servermap_capacity(ma.map)));
	return 0;
}

static int
map_teardown(void **state)
{
	map_ops->destroy(ma.t);
	map_ops->destroy(mb.t);
	return teardown(state);
}

static uint32_t
map_apply(void)
{
	uint32_t refused = 0;

	for (uint32_t at = 0; at < a.len; at += a.bytes[at + 1])
		refused +=
			map_ops->install(mb.t, a.bytes + at, a.bytes[at + 1], now) == REPL_REFUSED;
	a.len = 0;
	return refused;
}

/* What a's map has to say, into b's. => refused */
static uint32_t
map_tell(void)
{
	for (int i = 0; i < 10; i++) {
		now = mono_add_ms(now, 1);
		map_ops->drain(ma.t, &a.out, now);
	}
	return map_apply();
}

static void
assert_maps_equal(void)
{
	struct repl_digest want, have;

	while (map_ops->sweep(mb.t, &have) != REPL_DONE)
		;
	map_ops->sent(ma.t, &want);
	assert_int_equal(have.count, want.count);
	assert_true(have.sum == want.sum);
	assert_int_equal(have.count, servermap_count(ma.map));
	assert_int_equal(servermap_count(mb.map), servermap_count(ma.map));
}

static struct repl_counts
counted(const struct map_side *m)
{
	struct repl_counts c;

	map_ops->counts(m->t, &c);
	return c;
}

/* Of either family, all fields of it. */
static struct servermap_entry
entry_of(unsigned int family, uint16_t port)
{
	static const uint8_t host[IP6_LEN] = { 0x20, 1, 0xd, 0xb8, [15] = 9 };
	struct servermap_entry e = {
		.key = { .dst = family == 6 ? ip_addr_v6(host) : ip_addr_v4(RTE_BE32(0xc6336407)),
			.dport = rte_cpu_to_be_16(port),
			.proto = IPPROTO_TCP },
		.src = family == 6 ? ip_addr_v6(host) : ip_addr_v4(RTE_BE32(0xc6336408)),
		.type = SERVERMAP_ASPF,
		.alg = 1,
		.zone = 4,
		.uses = 2,
		.policy = 77,
		.parent = SERVERMAP_NONE,
		.call = 5,
		.until = mono_add_ms(now, 30000),
	};

	if (family == 4) {
		e.to = ip_addr_v4(RTE_BE32(0x0a01010a));
		e.to_port = RTE_BE16(5001);
		e.from = ip_addr_v4(RTE_BE32(0xc6336409));
	}
	return e;
}

static void
put_at_a(const struct servermap_entry *e)
{
	bool renewed;

	assert_true(servermap_add(ma.map, e, 0, &renewed));
}

static bool
found_at_b(const struct servermap_entry *e, struct servermap_entry *found)
{
	return servermap_peek(mb.map, &e->key, &e->src, e->zone, now, found);
}

static void
R186_every_field_arrives(void **state)
{
	struct servermap_entry found;

	(void)state;
	for (unsigned int family = 4; family <= 6; family += 2) {
		const struct servermap_entry e = entry_of(family, 2000);

		put_at_a(&e);
		assert_int_equal(map_tell(), 0);
		assert_true(found_at_b(&e, &found));
		assert_true(found.copy);
		assert_int_equal(found.alg, e.alg);
		assert_int_equal(found.zone, e.zone);
		assert_int_equal(found.uses, e.uses);
		assert_int_equal(found.policy, e.policy);
		assert_int_equal(found.call, e.call);
		assert_int_equal(found.to.family, e.to.family);
		assert_int_equal(found.from.family, e.from.family);
		assert_int_equal(found.to_port, e.to_port);
		assert_true(e.to.family == 0 || ip_addr_equal(&found.to, &e.to));
		assert_true(e.from.family == 0 || ip_addr_equal(&found.from, &e.from));
		assert_in_range(
			found.until.ns, e.until.ns - 20 * NS_PER_MS, e.until.ns + 20 * NS_PER_MS);
	}
	assert_maps_equal();
}

static void
R201_uses_renewals_and_ends_are_told(void **state)
{
	struct servermap_entry e = entry_of(4, 2000), found;
	uint32_t cursor = 0;
	bool last;

	(void)state;
	e.src.family = 0; /* anybody, for ever */
	e.until = MONO_NEVER;
	put_at_a(&e);
	map_tell();
	assert_true(found_at_b(&e, &found));
	assert_int_equal(found.until.ns, MONO_NEVER.ns);
	const struct ip_addr src = ip_addr_v4(RTE_BE32(0xc0000201));
	assert_true(servermap_take(ma.map, &e.key, &src, 4, now, &found, &last));
	map_tell();
	assert_true(found_at_b(&e, &found));
	assert_int_equal(found.uses, 1);
	assert_maps_equal();
	e.uses = 9;
	put_at_a(&e);
	map_tell();
	assert_true(found_at_b(&e, &found));
	assert_int_equal(found.uses, 9);
	assert_maps_equal();
	e.uses = 1;
	put_at_a(&e);
	assert_true(servermap_take(ma.map, &e.key, &src, 4, now, &found, &last) && last);
	map_tell();
	assert_false(found_at_b(&e, &found));
	assert_maps_equal();
	/* A place with another tenant, of which the end of the first was never told. */
	put_at_a(&e);
	map_tell();
	assert_true(servermap_take(ma.map, &e.key, &src, 4, now, &found, &last) && last);
	const struct servermap_entry other = entry_of(4, 3000);
	put_at_a(&other);
	map_tell();
	assert_false(found_at_b(&e, &found));
	assert_true(found_at_b(&other, &found));
	/* It is over here; over there when the owner says so. */
	now = mono_add_ms(now, 31000);
	servermap_age(mb.map, &cursor, servermap_capacity(mb.map), now, NULL, NULL);
	assert_int_equal(servermap_count(mb.map), 1);
	cursor = 0;
	servermap_age(ma.map, &cursor, servermap_capacity(ma.map), now, NULL, NULL);
	map_tell();
	assert_int_equal(servermap_count(mb.map), 0);
	assert_maps_equal();
}

static void
R186_an_entry_ends_with_the_copy_of_its_parent(void **state)
{
	const struct session_tuple4 t = ha_box_tuple(2, IPPROTO_TCP);
	struct servermap_entry e = entry_of(4, 2000), found;

	(void)state;
	e.parent = ha_box_session(&a.box, &t, SESSION_TCP_ESTABLISHED, 0, now);
	e.parent_generation = ha_box_generation(&a.box, e.parent);
	session_table_set_dirty(a.box.sessions, e.parent);
	put_at_a(&e);
	/* Without its parent: it stands alone. */
	map_tell();
	assert_true(found_at_b(&e, &found));
	assert_int_equal(found.parent, SERVERMAP_NONE);
	drain();
	assert_int_equal(apply(), 0);
	const uint32_t copy = ha_box_find(&b.box, &t);
	put_at_a(&e);
	map_tell();
	assert_true(found_at_b(&e, &found));
	assert_int_equal(found.parent, copy);
	assert_int_equal(found.parent_generation, ha_box_generation(&b.box, copy));
	assert_int_equal(servermap_count(mb.map), 1);
	assert_maps_equal();
	servermap_remove_parent(mb.map, copy, found.parent_generation, NULL, NULL);
	assert_int_equal(servermap_count(mb.map), 0);
}

static void
R24_the_port_is_held_on_both_boxes(void **state)
{
	const uint16_t id = nat_groups_find(groups_of(&a), "office");
	const struct nat_want want = { .proto = IPPROTO_TCP,
		.host = RTE_BE32(0x0a01010a),
		.port = RTE_BE16(5001),
		.remote = RTE_BE32(0xc6336408) };
	struct servermap_entry e = entry_of(4, 2000), found;
	struct nat_got got;
	bool last;

	(void)state;
	assert_int_equal(nat_groups_announce(groups_of(&a), id, &want, &got), NAT_OK);
	e.key.dst = ip_addr_v4(got.addr);
	e.key.dport = got.port;
	e.note = nat_note(id);
	e.uses = 1;
	put_at_a(&e);
	assert_int_equal(map_tell(), 0);
	assert_int_equal(ports_used(&b), 1);
	put_at_a(&e); /* renewed: held once */
	map_tell();
	assert_int_equal(ports_used(&b), 1);
	assert_true(found_at_b(&e, &found));
	assert_int_not_equal(found.note, 0);
	/* A session of this endpoint that the peer has, too: both hold it. */
	assert_int_equal(nat_groups_claim(groups_of(&b), nat_groups_find(groups_of(&b), "office"),
				 IPPROTO_TCP, want.host, want.port, &got),
		NAT_OK);
	assert_true(servermap_take(ma.map, &e.key, &e.src, 4, now, &found, &last) && last);
	map_tell();
	assert_int_equal(ports_used(&b), 1);
	nat_groups_give(groups_of(&b), nat_groups_find(groups_of(&b), "office"), IPPROTO_TCP, &got);
	assert_int_equal(ports_used(&b), 0);
	/* In use here by somebody else: the copy goes without it. */
	assert_int_equal(nat_groups_claim(groups_of(&b), nat_groups_find(groups_of(&b), "office"),
				 IPPROTO_TCP, RTE_BE32(0x0a010163), want.port, &got),
		NAT_OK);
	put_at_a(&e);
	assert_int_equal(map_tell(), 0);
	assert_true(found_at_b(&e, &found));
	assert_int_equal(found.note, 0);
	assert_int_equal(counted(&mb).unclaimed, 1);
	assert_maps_equal();
}

static void
R202_a_bulk_repairs_whatever_differs(void **state)
{
	struct repl_digest have;
	uint32_t estimate;

	(void)state;
	for (uint16_t i = 1; i <= 40; i++) {
		const struct servermap_entry e = entry_of(i % 2 ? 4 : 6, i);

		put_at_a(&e);
	}
	map_tell();
	assert_maps_equal();
	/* Lost at b; changed at a while nobody was told. */
	for (uint32_t i = 0; i < 5; i++) {
		struct servermap_entry e;
		uint16_t generation;

		assert_true(servermap_look(mb.map, 3 * i, &e, &generation));
		servermap_drop(mb.map, 3 * i, generation, NULL, NULL);
		assert_true(servermap_look(ma.map, 7 * i, &e, &generation));
		servermap_drop(ma.map, 7 * i, generation, NULL, NULL);
	}
	map_ops->discard(ma.t);
	map_ops->walk_begin(ma.t, &estimate);
	assert_int_equal(estimate, 35);
	assert_true(map_ops->round(mb.t, servermap_capacity(ma.map)));
	while (!map_ops->walk(ma.t, &a.out, now))
		;
	assert_int_equal(map_apply(), 0);
	assert_maps_equal();
	assert_int_equal(counted(&mb).swept, 4); /* one was gone there, too */
	/* Another peer's places: nothing of the old ones is left at the end of its bulk. */
	assert_true(map_ops->round(mb.t, 7));
	while (map_ops->sweep(mb.t, &have) != REPL_DONE)
		;
	assert_int_equal(have.count, 0);
	assert_int_equal(servermap_count(mb.map), 0);
	assert_false(map_ops->round(mb.t, 0));
	assert_false(map_ops->round(mb.t, HRP_CAPACITY_MAX + 1));
}

static void
a_full_frame_delays_and_loses_nothing(void **state)
{
	(void)state;
	for (uint16_t i = 1; i <= 10; i++) {
		const struct servermap_entry e = entry_of(4, i);

		put_at_a(&e);
	}
	a.room = 3 * sizeof(struct hrp_record_servermap);
	for (int i = 0; i < 4; i++)
		assert_int_equal(map_tell(), 0);
	assert_maps_equal();
}

static void
what_was_adopted_is_ours(void **state)
{
	const struct servermap_entry e = entry_of(4, 2000);
	struct servermap_entry found, later = e;

	(void)state;
	put_at_a(&e);
	map_tell();
	map_ops->role(mb.t, &(struct repl_role){ .active = true });
	assert_true(map_ops->adopt(mb.t, now));
	assert_int_equal(counted(&mb).adopted, 1);
	assert_true(found_at_b(&e, &found));
	assert_false(found.copy);
	/* The peer, late, says what it thinks of it: not while we are active. */
	later.uses = 50;
	put_at_a(&later);
	assert_int_equal(map_tell(), 1);
	assert_int_equal(counted(&mb).conflicts, 1);
	assert_true(found_at_b(&e, &found));
	assert_int_equal(found.uses, 2);
	/* Not active any more: the peer's word counts. */
	map_ops->role(mb.t, &(struct repl_role){ .peer_active = true });
	put_at_a(&later);
	assert_int_equal(map_tell(), 0);
	assert_true(found_at_b(&e, &found) && found.copy);
	assert_int_equal(found.uses, 50);
}

/* The first part: what a has told, and b holds at that point of the stream. */
static void
assert_part_alike(uint32_t count)
{
	struct repl_digest told, held;

	assert_true(map_ops->part_told(ma.t, 0, 256, &a.out, now, &told));
	assert_int_equal(map_apply(), 0);
	assert_true(map_ops->part_held(mb.t, 0, 256, &held));
	assert_int_equal(told.count, count);
	assert_int_equal(held.count, count);
	assert_true(told.sum == held.sum);
}

/* b is active alone, and then the peer is back, and active as well. */
static void
take_over_at_b(void)
{
	map_ops->role(mb.t, &(struct repl_role){ .active = true });
	assert_true(map_ops->adopt(mb.t, now));
	map_ops->role(mb.t, &(struct repl_role){ .active = true, .peer_active = true });
}

static void
tell_a_bulk(void)
{
	struct repl_digest held;
	uint32_t estimate;

	map_ops->walk_begin(ma.t, &estimate);
	assert_true(map_ops->round(mb.t, servermap_capacity(mb.map)));
	while (!map_ops->walk(ma.t, &a.out, now))
		;
	assert_int_equal(map_apply(), 0);
	while (map_ops->sweep(mb.t, &held) != REPL_DONE)
		;
}

/* The same connection is expected anew, in a place that is told of sooner than the end of the first
 * one in its own: as much as the frame takes. */
static void
R197_an_end_is_told_before_its_part_is_compared(void **state)
{
	const struct servermap_entry other = entry_of(4, 2000), e = entry_of(4, 2001);
	struct servermap_entry found;
	uint16_t generation;

	(void)state;
	put_at_a(&other);
	put_at_a(&e);
	map_tell();
	for (uint32_t i = 2; i-- > 0;) { /* the last place that is free is the next that is taken */
		assert_true(servermap_look(ma.map, i, &found, &generation));
		servermap_drop(ma.map, i, generation, NULL, NULL);
	}
	put_at_a(&e);
	a.room = sizeof(struct hrp_record_servermap);
	assert_int_equal(map_tell(), 0);
	a.room = BUFFER;
	assert_part_alike(1);
	assert_int_equal(map_tell(), 0);
	assert_part_alike(1);
	assert_true(found_at_b(&e, &found));
}

/* It uses the names of before again, for others than those that this box has taken over. */
static void
X39_a_restarted_owner_may_use_the_same_name_for_an_entry_that_is_not_ours(void **state)
{
	const struct servermap_entry ours = entry_of(4, 2000), theirs = entry_of(4, 2001);
	struct servermap_entry found;

	(void)state;
	put_at_a(&ours);
	map_tell();
	take_over_at_b();
	/* Place and generation begin anew there. */
	map_ops->destroy(ma.t);
	side_stop(&a);
	side_start(&a, "rc", SESSIONS);
	map_start(&ma, &a);
	map_ops->role(ma.t, &(struct repl_role){ .active = true, .sending = true });
	put_at_a(&theirs);
	tell_a_bulk();
	assert_part_alike(1);
	assert_true(found_at_b(&theirs, &found) && found.copy);
	assert_true(found_at_b(&ours, &found) && !found.copy);
	assert_int_equal(counted(&mb).conflicts, 0);
}

/* What it does tell of again both have. */
static void
X39_R197_what_was_adopted_is_of_both_if_the_peer_has_it_still(void **state)
{
	const struct servermap_entry e = entry_of(4, 2000);
	struct servermap_entry found;
	struct repl_digest held;
	uint32_t estimate, at = 0;

	(void)state;
	put_at_a(&e);
	map_tell();
	take_over_at_b();
	map_ops->walk_begin(ma.t, &estimate);
	assert_true(map_ops->round(mb.t, servermap_capacity(mb.map)));
	while (!map_ops->walk(ma.t, &a.out, now))
		;
	assert_int_equal(map_apply(), 1); /* it stays as it is here */
	while (map_ops->sweep(mb.t, &held) != REPL_DONE)
		;
	assert_part_alike(1);
	assert_true(map_ops->part_begin(mb.t, 0, 256));
	while (!map_ops->part_walk(ma.t, &at, 256, &a.out, now))
		;
	assert_int_equal(map_apply(), 1);
	assert_int_equal(map_ops->part_end(mb.t, 0, 256), REPL_DONE);
	assert_part_alike(1);
	assert_true(found_at_b(&e, &found) && !found.copy);
}

/* What it does not tell of again it has no part in, be it here or used up: after a bulk, or after a
 * repair of its part. */
static void
X39_R197_no_name_of_a_peer_that_is_back_counts_unless_it_tells_of_it_again(void **state)
{
	const struct servermap_entry kept = entry_of(4, 2000), used = entry_of(4, 2001);
	struct servermap_entry found;
	struct repl_digest held;
	uint32_t cursor = 0;
	bool last;

	for (int repair = 0; repair < 2; repair++) {
		put_at_a(&kept);
		put_at_a(&used);
		map_tell();
		take_over_at_b();
		for (int i = 0; i < used.uses; i++)
			assert_true(servermap_take(
				mb.map, &used.key, &used.src, used.zone, now, &found, &last));
		assert_true(map_ops->part_held(mb.t, 0, 256, &held));
		assert_int_equal(held.count, 2);
		/* They are over there. */
		servermap_age(ma.map, &cursor, servermap_capacity(ma.map),
			mono_add_ms(now, UINT64_C(1) << 33), NULL, NULL);
		if (repair) {
			assert_true(map_ops->part_begin(mb.t, 0, 256));
			assert_int_equal(map_ops->part_end(mb.t, 0, 256), REPL_DONE);
		} else {
			tell_a_bulk();
		}
		assert_true(map_ops->part_held(mb.t, 0, 256, &held));
		assert_int_equal(held.count, 0);
		assert_true(found_at_b(&kept, &found) && !found.copy);
		map_teardown(state);
		map_setup(state);
	}
}

/* However many parts have been repaired since: more than a mark can count. */
static void
R197_what_was_told_stays_told_for_any_number_of_repairs(void **state)
{
	const struct servermap_entry e = entry_of(4, 2000);

	(void)state;
	put_at_a(&e);
	map_tell();
	take_over_at_b();
	for (uint32_t i = 0; i < 2 * (UINT16_MAX + 2); i++) {
		assert_true(map_ops->part_begin(mb.t, 256, 1));
		assert_int_equal(map_ops->part_end(mb.t, 256, 1), REPL_DONE);
		if (i % 1000 == 0 || (i + 2) % (UINT16_MAX + 1) < 4)
			assert_part_alike(1);
	}
}

static void
HAC06_records_that_make_no_sense_change_nothing(void **state)
{
	const struct servermap_entry e = entry_of(4, 2000);
	struct hrp_record_servermap good, r;
	uint8_t longer[sizeof(r) + 1] = { 0 };

	(void)state;
	servermap_record_pack(&e, 1, 1, 0, now, &good);
#define BAD(change)                                                                                \
	do {                                                                                       \
		r = good;                                                                          \
		change;                                                                            \
		assert_int_equal(map_ops->install(mb.t, (const uint8_t *)&r, sizeof(r), now),      \
			REPL_REFUSED);                                                             \
	} while (0)
	BAD(r.head.index = rte_cpu_to_be_32(servermap_capacity(ma.map)));
	BAD(r.kind = 99);
	BAD(r.alg = 200);
	BAD(r.child_alg = 200);
	BAD(r.zone = 63);
	BAD(r.proto = 0);
	BAD(r.family = 0);
	BAD(r.family = 5);
	BAD(r.uses = 0);
	BAD(r.left_ms = 0);
	BAD(r.dport = 0);
	BAD(memset(r.dst, 0, sizeof(r.dst)));
	BAD(memset(r.src, 0xff, sizeof(r.src)));
	BAD(r.to[0] = 0xe0);
	BAD(r.from[0] = 0);
	BAD(r.family = 6); /* with a translation */
	BAD(r.given = 0; r.group = RTE_BE32(5));
#undef BAD
	assert_int_equal(map_ops->install(mb.t, (const uint8_t *)&good, sizeof(good) - 1, now),
		REPL_REFUSED);
	memcpy(longer, &good, sizeof(good));
	assert_int_equal(map_ops->install(mb.t, longer, sizeof(longer), now), REPL_REFUSED);
	good.head.type = 200; /* of a later version */
	assert_int_equal(
		map_ops->install(mb.t, (const uint8_t *)&good, sizeof(good), now), REPL_DONE);
	assert_int_equal(servermap_count(mb.map), 0);
	/* The end of something that is not here. */
	const struct hrp_record end = { HRP_RECORD_DELETE, sizeof(end), 0, RTE_BE32(3) };
	assert_int_equal(
		map_ops->install(mb.t, (const uint8_t *)&end, sizeof(end), now), REPL_DONE);
	assert_int_equal(counted(&mb).unknown, 1);
}

/* Good records of every kind, one behind the other.  => their number */
static uint32_t
good_records(uint8_t records[][UINT8_MAX])
{
	const struct alg_seq_kept_edit edit = { .seq = 100, .was = 5, .is = 3, .text = "abc" };
	const struct servermap_entry four = entry_of(4, 2000), six = entry_of(6, 2000);
	struct alg_kept kept = { .id = 1, .has_stream = true };
	uint32_t n = 0;

	for (uint32_t i = 0; i < 4; i++) {
		const struct session_tuple4 t = ha_box_tuple(2 * i, IPPROTO_TCP);
		const uint32_t index = ha_box_session_of(
			&a.box, &t, i % 2 == 0 ? 4 : 6, SESSION_TCP_ESTABLISHED, 0, now);

		assert_int_equal(alg_session_resume(engine_algs(a.box.engine), a.box.sessions,
					 index, ha_box_generation(&a.box, index), &kept),
			ALG_RESUMED);
		alg_record_pack_edit(
			&edit, 0, index, ha_box_generation(&a.box, index), records[n++]);
		session_table_set_dirty(a.box.sessions, index);
	}
	put_at_a(&four);
	put_at_a(&six);
	drain();
	map_ops->drain(ma.t, &a.out, mono_add_ms(now, 10));
	for (uint32_t at = 0; at < a.len; at += a.bytes[at + 1], n++)
		memcpy(records[n], a.bytes + at, a.bytes[at + 1]);
	a.len = 0;
	for (uint32_t i = 0; i < 4; i++)
		records[n++][0] = HRP_RECORD_DELETE;
	return n;
}

/* Whatever comes, in a block of exactly its length: it is taken or refused, and nothing of it is
 * left when all has ended. */
static void
HAC06_random_records_leave_nothing_behind(void **state)
{
	static uint8_t good[64][UINT8_MAX];
	uint32_t x = 4711, cursor = 0;

	(void)state;
	const uint32_t kinds = good_records(good);
	assert_in_range(kinds, 18, 64);
	for (uint32_t i = 0; i < 20000; i++) {
		const uint8_t *from = good[(x = x * 1664525u + 1013904223u) >> 8 & 63];
		uint8_t len = from[1] != 0 ? from[1] : sizeof(struct hrp_record), *record;

		if ((x >> 20 & 15) == 0)
			len = (uint8_t)RTE_MAX(x >> 24, sizeof(struct hrp_record));
		record = calloc(1, len);
		memcpy(record, from, RTE_MIN(len, from[1]));
		record[0] = from[0];
		record[1] = len;
		for (uint32_t k = x >> 14 & 3; k > 0; k--) {
			x = x * 1664525u + 1013904223u;
			record[2 + (x >> 8) % (len - 2u)] = (uint8_t)(x >> 24);
		}
		(void)ops->install(b.t, record, len, now);
		(void)map_ops->install(mb.t, record, len, now);
		free(record);
		if (i % 64 == 0)
			turn(1);
	}
	assert_true(stats(&b).installed > 100 && counted(&mb).installed > 100);
	set_role(&b, true, false);
	map_ops->role(mb.t, &(struct repl_role){ .active = true });
	while (!ops->adopt(b.t, now) || !map_ops->adopt(mb.t, now))
		;
	for (uint32_t i = 0; i < SESSIONS; i++)
		while (session_table_count(b.box.sessions) > 0 && !ha_box_kill(&b.box, i))
			turn(1);
	turn(10);
	servermap_age(mb.map, &cursor, servermap_capacity(mb.map),
		mono_add_ms(now, UINT64_C(1) << 33), NULL, NULL);
	assert_int_equal(session_table_count(b.box.sessions), 0);
	assert_int_equal(alg_table_stats(engine_algs(b.box.engine)).streams.used, 0);
	assert_int_equal(ports_used(&b), 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, map_setup, map_teardown)
	const struct CMUnitTest tests[] = {
		CASE(R186_every_field_arrives),
		CASE(R201_uses_renewals_and_ends_are_told),
		CASE(R186_an_entry_ends_with_the_copy_of_its_parent),
		CASE(R24_the_port_is_held_on_both_boxes),
		CASE(R202_a_bulk_repairs_whatever_differs),
		CASE(a_full_frame_delays_and_loses_nothing),
		CASE(what_was_adopted_is_ours),
		CASE(R197_an_end_is_told_before_its_part_is_compared),
		CASE(X39_a_restarted_owner_may_use_the_same_name_for_an_entry_that_is_not_ours),
		CASE(X39_R197_what_was_adopted_is_of_both_if_the_peer_has_it_still),
		CASE(X39_R197_no_name_of_a_peer_that_is_back_counts_unless_it_tells_of_it_again),
		CASE(R197_what_was_told_stays_told_for_any_number_of_repairs),
		CASE(HAC06_records_that_make_no_sense_change_nothing),
		CASE(HAC06_random_records_leave_nothing_behind),
	};

	test_eal_start(512, 1);
	sides_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The blacklist as a replicated table: two engines, records carried by hand, fake clock.
 */
#include "blacklist.h"
#include "blacklist_record.h"
#include "hrp.h"
#include "record_parts.h"
#include "repl_sides.h"

#include <errno.h>

static const struct repl_table *list_ops;

struct list_side {
	struct side *side;
	struct blacklist *list;
	void *t;
};
static struct list_side la, lb;

static void
list_start(struct list_side *l, struct side *s)
{
	char err[128];

	l->side = s;
	l->list = engine_blacklist(s->box.engine);
	l->t = list_ops->create(&(struct repl_params){ .engine = s->box.engine, .sessions = s->t },
		err, sizeof(err));
	assert_non_null(l->t);
}

static void
list_role(struct list_side *l, bool active, bool peer_active)
{
	list_ops->role(
		l->t, &(struct repl_role){
			      .active = active, .peer_active = peer_active, .sending = active });
}

static void
bulk_begins(const struct list_side *from, const struct list_side *to)
{
	uint32_t estimate;

	assert_int_equal(list_ops->walk_begin(from->t, &estimate), BLACKLIST_MAX);
	assert_true(list_ops->round(to->t, BLACKLIST_MAX));
}

static int
list_setup(void **state)
{
	setup(state);
	for (uint32_t i = 0; i < repl_table_count(); i++)
		if (repl_tables_get()[i]->module == HRP_MODULE_BLACKLIST)
			list_ops = repl_tables_get()[i];
	assert_non_null(list_ops);
	list_start(&la, &a);
	list_start(&lb, &b);
	list_role(&la, true, false);
	list_role(&lb, false, true);
	bulk_begins(&la, &lb);
	return 0;
}

static int
list_teardown(void **state)
{
	list_ops->destroy(la.t);
	list_ops->destroy(lb.t);
	return teardown(state);
}

/* Who publishes waits for the workers, which are this thread too. */
static void
rest(const struct list_side *l)
{
	for (uint16_t w = 0; w < engine_worker_count(l->side->box.engine); w++)
		worker_sleep_begin(engine_worker(l->side->box.engine, w));
	rcu_offline(engine_rcu(l->side->box.engine), l->side->box.reader);
}

static void
wake(const struct list_side *l)
{
	for (uint16_t w = 0; w < engine_worker_count(l->side->box.engine); w++)
		worker_sleep_end(engine_worker(l->side->box.engine, w));
	rcu_online(engine_rcu(l->side->box.engine), l->side->box.reader);
}

static int
put(const struct list_side *l, const struct blacklist_entry *e)
{
	int rc;

	rest(l);
	rc = blacklist_add(l->list, e, SESSIONS);
	wake(l);
	return rc;
}

static int
take(const struct list_side *l, const struct blacklist_entry *e)
{
	int rc;

	rest(l);
	rc = blacklist_delete(l->list, &e->prefix, e->len, (enum blacklist_side)e->side);
	wake(l);
	return rc;
}

static void
settle(const struct list_side *l)
{
	rest(l);
	blacklist_expire(l->list, now);
	blacklist_settle(l->list, SESSIONS);
	wake(l);
}

/* What the bytes of `from` say, into `to`. => refused */
static uint32_t
carry(const struct list_side *from, const struct list_side *to)
{
	struct side *s = from->side;
	uint32_t refused = 0;

	for (uint32_t at = 0; at < s->len; at += s->bytes[at + 1])
		refused += list_ops->install(to->t, s->bytes + at, s->bytes[at + 1], now) ==
			   REPL_REFUSED;
	s->len = 0;
	return refused;
}

/* The whole of a bulk that has begun. */
static uint32_t
tell_all(const struct list_side *from, const struct list_side *to)
{
	uint32_t refused;

	while (!list_ops->walk(from->t, &from->side->out, now))
		;
	refused = carry(from, to);
	settle(to);
	return refused;
}

static uint32_t
tell(const struct list_side *from, const struct list_side *to)
{
	uint32_t refused = 0;

	for (int i = 0; i < 120; i++) {
		now = mono_add_ms(now, 1);
		list_ops->drain(from->t, &from->side->out, now);
		refused += carry(from, to);
	}
	settle(to);
	return refused;
}

static void
assert_lists_equal(const struct list_side *from, const struct list_side *to)
{
	struct repl_digest want, have;

	while (list_ops->sweep(to->t, &have) != REPL_DONE)
		;
	settle(to);
	list_ops->sent(from->t, &want);
	assert_int_equal(have.count, want.count);
	assert_true(have.sum == want.sum);
	assert_int_equal(have.count, from->list->timed);
	assert_int_equal(to->list->copies, from->list->timed);
}

static struct repl_counts
counted(const struct list_side *l)
{
	struct repl_counts c;

	list_ops->counts(l->t, &c);
	return c;
}

/* The n-th of a family, and of either side by turns. */
static struct blacklist_entry
entry_of(unsigned int family, uint32_t n)
{
	const uint8_t six[IP6_LEN] = { 0x20, 1, 0xd, 0xb8, (uint8_t)(n >> 8), (uint8_t)n };

	return (struct blacklist_entry){ .prefix = family == 6 ? ip_addr_v6(six)
							       : ip_addr_v4(rte_cpu_to_be_32(
									 0x0b000000u + (n << 8))),
		.len = family == 6 ? 48 : 24,
		.side = n & 1,
		.origin = n % 3 == 0 ? BLACKLIST_SCAN : BLACKLIST_MANUAL,
		.until = mono_add_ms(now, 60000 + n) };
}

/* => Is a session that this entry forbids refused? */
static bool
refused(const struct list_side *l, const struct blacklist_entry *e, mono_t at)
{
	const struct blacklist_set *set = blacklist_current(l->list);
	static const uint8_t other[IP6_LEN] = { 0xfd, 1 };
	uint8_t host[IP6_LEN];
	const void *ends[2] = { host, other };

	memcpy(host, e->prefix.v6, IP6_LEN);
	host[e->prefix.family == 6 ? 15 : 3] = 7;
	return set != NULL && blacklist_find(set, e->prefix.family, ends[e->side], ends[!e->side],
				      at) != BLACKLIST_NONE;
}

static const struct blacklist_entry *
copy_at(const struct list_side *l, const struct blacklist_entry *e)
{
	for (uint32_t i = 0; i < l->list->high; i++) {
		const struct blacklist_entry *had = &l->list->entries[i];

		if (had->copy && had->side == e->side && had->len == e->len &&
			ip_addr_equal(&had->prefix, &e->prefix))
			return had;
	}
	return NULL;
}

static struct blacklist_entry
the_copy(const struct list_side *l, const struct blacklist_entry *e)
{
	const struct blacklist_entry *copy = copy_at(l, e);

	if (copy == NULL) {
		fail_msg("there is no copy");
		return *e;
	}
	return *copy;
}

static void
DOS02_R186_an_entry_is_refused_on_both_boxes_for_as_long(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 4; n++) {
		const struct blacklist_entry e = entry_of(n < 2 ? 4 : 6, n);

		assert_int_equal(put(&la, &e), 0);
		assert_int_equal(tell(&la, &lb), 0);
		assert_true(refused(&lb, &e, now));
		assert_false(refused(&lb, &e, mono_add_ms(e.until, 3)));
		const struct blacklist_entry copy = the_copy(&lb, &e);
		assert_int_equal(copy.origin, e.origin);
		assert_in_range(copy.until.ns, e.until.ns - NS_PER_MS, e.until.ns + 2 * NS_PER_MS);
		assert_true(blacklist_sweeping(lb.list)); /* its sessions end there, too */
	}
	assert_lists_equal(&la, &lb);
	/* Without an end. */
	struct blacklist_entry e = entry_of(4, 9);
	e.until = MONO_NEVER;
	put(&la, &e);
	tell(&la, &lb);
	assert_int_equal(the_copy(&lb, &e).until.ns, MONO_NEVER.ns);
	assert_lists_equal(&la, &lb);
}

static void
DOS02_what_changes_at_the_owner_changes_at_the_peer(void **state)
{
	struct blacklist_entry e = entry_of(4, 1), other = entry_of(6, 2);

	(void)state;
	put(&la, &e);
	put(&la, &other);
	tell(&la, &lb);
	/* For longer. */
	e.until = mono_add_ms(now, 3600 * 1000);
	put(&la, &e);
	tell(&la, &lb);
	assert_true(refused(&lb, &e, mono_add_ms(now, 3500 * 1000)));
	assert_lists_equal(&la, &lb);
	/* By command. */
	assert_int_equal(take(&la, &other), 0);
	tell(&la, &lb);
	assert_false(refused(&lb, &other, now));
	assert_lists_equal(&la, &lb);
	/* Its time is over: nobody is refused by it, and it leaves when its owner says so. */
	now = mono_add_ms(e.until, 1);
	settle(&lb);
	assert_false(refused(&lb, &e, now));
	assert_int_equal(lb.list->copies, 1);
	settle(&la);
	tell(&la, &lb);
	assert_int_equal(lb.list->copies, 0);
	assert_null(blacklist_current(lb.list));
	assert_lists_equal(&la, &lb);
	/* Of the configuration from now on, which is not carried. */
	e = entry_of(4, 1);
	put(&la, &e);
	tell(&la, &lb);
	assert_int_equal(lb.list->copies, 1);
	rest(&la);
	blacklist_set_static(la.list, &e, 1, SESSIONS);
	wake(&la);
	tell(&la, &lb);
	assert_int_equal(lb.list->copies, 0);
	assert_lists_equal(&la, &lb);
}

static void
a_slot_with_another_tenant_is_told_as_such(void **state)
{
	const struct blacklist_entry first = entry_of(4, 1), second = entry_of(4, 2);

	(void)state;
	put(&la, &first);
	tell(&la, &lb);
	take(&la, &first);
	put(&la, &second); /* in the same slot, before anything was said */
	tell(&la, &lb);
	assert_false(refused(&lb, &first, now));
	assert_true(refused(&lb, &second, now));
	assert_lists_equal(&la, &lb);
	/* And when the tenant is a copy of the peer's. */
	list_role(&lb, true, true);
	list_role(&la, true, true);
	bulk_begins(&lb, &la);
	take(&la, &second);
	put(&lb, &first);
	tell(&lb, &la);
	assert_true(refused(&la, &first, now));
	tell(&la, &lb);
	assert_int_equal(lb.list->copies, 0);
	assert_lists_equal(&lb, &la);
	assert_lists_equal(&la, &lb);
}

static void
R191_a_standby_box_owns_nothing(void **state)
{
	const struct blacklist_entry e = entry_of(4, 1), other = entry_of(6, 2);
	struct repl_digest d;

	(void)state;
	put(&la, &e);
	tell(&la, &lb);
	assert_int_equal(put(&lb, &other), -EREMOTE);
	assert_int_equal(take(&lb, &e), -EREMOTE);
	assert_int_equal(take(&lb, &other), -ENOENT);
	rest(&lb);
	assert_int_equal(blacklist_clear(lb.list), 0);
	wake(&lb);
	assert_true(refused(&lb, &e, now));
	/* Alone it may. */
	list_role(&lb, false, false);
	assert_int_equal(put(&lb, &other), 0);
	/* Now the other box is active, and does not know of this one. */
	list_role(&lb, false, true);
	assert_true(list_ops->round(lb.t, BLACKLIST_MAX));
	bulk_begins(&la, &lb);
	tell_all(&la, &lb);
	while (list_ops->sweep(lb.t, &d) != REPL_DONE)
		;
	settle(&lb);
	assert_false(refused(&lb, &other, now));
	assert_true(refused(&lb, &e, now));
	assert_lists_equal(&la, &lb);
}

static void
R192_what_was_deleted_after_a_switch_does_not_come_back(void **state)
{
	const struct blacklist_entry kept = entry_of(4, 1), gone = entry_of(6, 2);

	(void)state;
	put(&la, &kept);
	put(&la, &gone);
	tell(&la, &lb);
	/* b takes over; a lives. */
	list_role(&la, false, true);
	list_role(&lb, true, false);
	while (!list_ops->adopt(lb.t, now))
		;
	assert_int_equal(counted(&lb).adopted, 2);
	assert_int_equal(lb.list->copies, 0);
	settle(&lb);
	assert_int_equal(take(&lb, &gone), 0);
	bulk_begins(&lb, &la);
	tell_all(&lb, &la);
	assert_lists_equal(&lb, &la);
	assert_false(refused(&la, &gone, now));
	assert_true(refused(&la, &kept, now));
	assert_int_equal(la.list->count, 1);
	/* And back. */
	list_role(&lb, false, true);
	list_role(&la, true, false);
	while (!list_ops->adopt(la.t, now))
		;
	settle(&la);
	assert_int_equal(la.list->timed, 1);
	assert_true(refused(&la, &kept, now));
	assert_false(refused(&la, &gone, now));
	/* What is ours ends by itself. */
	now = mono_add_ms(kept.until, 10);
	settle(&la);
	assert_int_equal(la.list->count, 0);
}

static void
R188_in_load_sharing_each_box_has_its_own_and_the_peers(void **state)
{
	struct blacklist_entry both = entry_of(4, 1), e = entry_of(6, 2), f = entry_of(4, 4);

	(void)state;
	list_role(&la, true, true);
	list_role(&lb, true, true);
	bulk_begins(&lb, &la);
	assert_int_equal(put(&la, &both), 0);
	assert_int_equal(put(&la, &e), 0);
	both.until = mono_add_ms(both.until, 5000);
	assert_int_equal(put(&lb, &both), 0);
	assert_int_equal(put(&lb, &f), 0);
	assert_int_equal(tell(&la, &lb), 0);
	assert_int_equal(tell(&lb, &la), 0);
	assert_lists_equal(&la, &lb);
	assert_lists_equal(&lb, &la);
	assert_non_null(copy_at(&la, &f));
	assert_true(refused(&la, &f, now));
	assert_true(refused(&lb, &e, now));
	/* The later end holds, on both, and each ends its own. */
	assert_true(refused(&la, &both, mono_add_ms(both.until, -10)));
	assert_int_equal(take(&la, &f), -EREMOTE);
	assert_int_equal(take(&lb, &both), 0);
	tell(&lb, &la);
	assert_true(refused(&lb, &both, now));
	assert_false(refused(&la, &both, mono_add_ms(both.until, -10)));
	put(&lb, &both);
	tell(&lb, &la);
	/* One of them dies: of two of one prefix one is left, with the later end. */
	list_role(&la, true, false);
	while (!list_ops->adopt(la.t, now))
		;
	settle(&la);
	assert_int_equal(la.list->copies, 0);
	assert_int_equal(la.list->timed, 3);
	assert_true(refused(&la, &both, mono_add_ms(both.until, -10)));
	assert_int_equal(take(&la, &f), 0);
	assert_false(refused(&la, &f, now));
}

static void
R202_a_bulk_repairs_whatever_differs(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 300; n++) {
		const struct blacklist_entry e = entry_of(n % 2 ? 4 : 6, n);

		put(&la, &e);
	}
	tell(&la, &lb);
	assert_lists_equal(&la, &lb);
	/* Lost at b; deleted at a while nobody was told; and one that nobody knows. */
	assert_true(blacklist_hold(lb.list));
	for (uint32_t i = 0; i < 50; i++)
		blacklist_drop(lb.list, 5 * i);
	struct blacklist_entry stray = entry_of(4, 400);
	stray.copy = true;
	assert_int_not_equal(blacklist_copy(lb.list, &stray), BLACKLIST_NONE);
	blacklist_let_go(lb.list);
	for (uint32_t n = 7; n <= 300; n += 7) {
		const struct blacklist_entry e = entry_of(n % 2 ? 4 : 6, n);

		assert_int_equal(take(&la, &e), 0);
	}
	while (list_ops->discard(la.t) != 0)
		;
	bulk_begins(&la, &lb);
	assert_int_equal(tell_all(&la, &lb), 0);
	assert_lists_equal(&la, &lb);
	assert_false(refused(&lb, &stray, now));
	assert_int_equal(counted(&lb).swept, 300 / 7 - 7 + 1); /* 7 were lost there already */
	for (uint32_t n = 1; n <= 300; n++) {
		const struct blacklist_entry e = entry_of(n % 2 ? 4 : 6, n);

		assert_int_equal(refused(&lb, &e, now), n % 7 != 0);
	}
	/* The owner has restarted: the same names for other entries. */
	const struct blacklist_entry fresh = entry_of(6, 1000);
	rest(&la);
	blacklist_clear(la.list);
	wake(&la);
	while (list_ops->discard(la.t) != 0)
		;
	put(&la, &fresh);
	bulk_begins(&la, &lb);
	tell_all(&la, &lb);
	assert_lists_equal(&la, &lb);
	assert_true(refused(&lb, &fresh, now));
}

static void
a_full_frame_or_a_held_list_delays_and_loses_nothing(void **state)
{
	const struct blacklist_entry e = entry_of(4, 1), f = entry_of(6, 2);

	(void)state;
	put(&la, &e);
	put(&la, &f);
	a.room = sizeof(struct hrp_record_blacklist);
	list_ops->drain(la.t, &a.out, now = mono_add_ms(now, 1));
	list_ops->drain(la.t, &a.out, now = mono_add_ms(now, 1));
	carry(&la, &lb);
	assert_int_equal(lb.list->copies, 1);
	assert_true(blacklist_hold(la.list));
	tell(&la, &lb);
	assert_int_equal(lb.list->copies, 1);
	blacklist_let_go(la.list);
	for (int i = 0; i < 5; i++)
		list_ops->drain(la.t, &a.out, now = mono_add_ms(now, 1));
	assert_int_equal(a.len, sizeof(struct hrp_record_blacklist));
	assert_true(blacklist_hold(lb.list));
	assert_int_equal(list_ops->install(lb.t, a.bytes, a.bytes[1], now), REPL_RETRY);
	blacklist_let_go(lb.list);
	carry(&la, &lb);
	settle(&lb);
	assert_int_equal(lb.list->copies, 2);
	assert_lists_equal(&la, &lb);
}

static void
a_full_list_refuses_and_counts(void **state)
{
	struct hrp_record_blacklist r;
	struct blacklist_entry e;

	(void)state;
	for (uint32_t n = 0; n <= 2 * BLACKLIST_TIMED_MAX; n++) {
		e = entry_of(4, n);
		blacklist_record_pack(&e, n, now, &r);
		assert_int_equal(list_ops->install(lb.t, (const uint8_t *)&r, sizeof(r), now),
			n < 2 * BLACKLIST_TIMED_MAX ? REPL_DONE : REPL_REFUSED);
	}
	assert_int_equal(counted(&lb).full, 1);
	settle(&lb);
	for (uint32_t n = 0; n <= 2 * BLACKLIST_TIMED_MAX; n += 1024) {
		e = entry_of(4, n);
		assert_int_equal(refused(&lb, &e, now), n < 2 * BLACKLIST_TIMED_MAX);
	}
	/* Of its own it may make none, and has room for its configuration. */
	list_role(&lb, true, true);
	e = entry_of(6, 1);
	assert_int_equal(put(&lb, &e), -ENOSPC);
	rest(&lb);
	blacklist_set_static(lb.list, &e, 1, SESSIONS);
	wake(&lb);
	assert_true(refused(&lb, &e, now));
}

static void
HAC06_records_that_make_no_sense_change_nothing(void **state)
{
	static const struct {
		const char *what;
		uint8_t at;
		uint8_t byte;
	} rows[] = {
		{ "side", offsetof(struct hrp_record_blacklist, side), 2 },
		{ "origin: static", offsetof(struct hrp_record_blacklist, origin),
			BLACKLIST_STATIC },
		{ "origin: none", offsetof(struct hrp_record_blacklist, origin), 0 },
		{ "origin: unknown", offsetof(struct hrp_record_blacklist, origin), 9 },
		{ "family", offsetof(struct hrp_record_blacklist, family), 5 },
		{ "length 0", offsetof(struct hrp_record_blacklist, len), 0 },
		{ "length 33", offsetof(struct hrp_record_blacklist, len), 33 },
		{ "host bits", offsetof(struct hrp_record_blacklist, prefix) + 3, 1 },
		{ "index", offsetof(struct hrp_record, index), 0xff },
		{ "length of the record", offsetof(struct hrp_record, length), 31 },
	};
	const struct blacklist_entry e = entry_of(4, 1);
	struct hrp_record_blacklist r;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		blacklist_record_pack(&e, 3, now, &r);
		((uint8_t *)&r)[rows[i].at] = rows[i].byte;
		if (list_ops->install(lb.t, (const uint8_t *)&r, r.head.length, now) !=
			REPL_REFUSED)
			fail_msg("%s", rows[i].what);
	}
	blacklist_record_pack(&e, 3, now, &r);
	r.left_ms = 0;
	assert_int_equal(
		list_ops->install(lb.t, (const uint8_t *)&r, sizeof(r), now), REPL_REFUSED);
	assert_int_equal(lb.list->count, 0);
	/* What is not known is skipped. */
	r.head.type = 200;
	assert_int_equal(list_ops->install(lb.t, (const uint8_t *)&r, sizeof(r), now), REPL_DONE);
	/* The end of what is not here. */
	r.head = (struct hrp_record){ .type = HRP_RECORD_DELETE, .length = sizeof(r.head) };
	assert_int_equal(
		list_ops->install(lb.t, (const uint8_t *)&r, sizeof(r.head), now), REPL_DONE);
	assert_int_equal(counted(&lb).unknown, 1);
	assert_int_equal(lb.list->count, 0);
}

static void
HAC06_random_records_leave_nothing_behind(void **state)
{
	struct hrp_record_blacklist r;
	struct repl_digest d;

	(void)state;
	srand(7);
	for (uint32_t i = 0; i < 20000; i++) {
		const struct blacklist_entry e =
			entry_of(rand() & 1 ? 4 : 6, (uint32_t)rand() % 64);

		blacklist_record_pack(&e, (uint32_t)rand() % 80, now, &r);
		r.head.generation = (rte_be16_t)(rand() & 3);
		if (rand() % 3 == 0)
			r.head = (struct hrp_record){ .type = HRP_RECORD_DELETE,
				.length = sizeof(r.head),
				.generation = (rte_be16_t)(rand() & 3),
				.index = rte_cpu_to_be_32((uint32_t)rand() % 80) };
		else if (rand() % 4 == 0)
			((uint8_t *)&r)[rand() % sizeof(r)] = (uint8_t)rand();
		(void)list_ops->install(lb.t, (const uint8_t *)&r,
			r.head.type == HRP_RECORD_DELETE ? sizeof(r.head) : sizeof(r), now);
		if (i % 500 == 0)
			settle(&lb);
		assert_true(lb.list->copies <= 200);
	}
	assert_true(counted(&lb).installed > 100 && counted(&lb).removed > 100);
	/* An empty bulk of the owner's clears all. */
	assert_true(list_ops->round(lb.t, BLACKLIST_MAX));
	while (list_ops->sweep(lb.t, &d) != REPL_DONE)
		;
	settle(&lb);
	assert_int_equal(lb.list->count, 0);
	assert_null(blacklist_current(lb.list));
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, list_setup, list_teardown)
	const struct CMUnitTest tests[] = {
		CASE(DOS02_R186_an_entry_is_refused_on_both_boxes_for_as_long),
		CASE(DOS02_what_changes_at_the_owner_changes_at_the_peer),
		CASE(a_slot_with_another_tenant_is_told_as_such),
		CASE(R191_a_standby_box_owns_nothing),
		CASE(R192_what_was_deleted_after_a_switch_does_not_come_back),
		CASE(R188_in_load_sharing_each_box_has_its_own_and_the_peers),
		CASE(R202_a_bulk_repairs_whatever_differs),
		CASE(a_full_frame_or_a_held_list_delays_and_loses_nothing),
		CASE(a_full_list_refuses_and_counts),
		CASE(HAC06_records_that_make_no_sense_change_nothing),
		CASE(HAC06_random_records_leave_nothing_behind),
	};

	test_eal_start(512, 1);
	sides_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

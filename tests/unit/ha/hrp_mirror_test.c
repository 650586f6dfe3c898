/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two mirrors, joined without links: which tables travel, also to a peer of an earlier version.
 */
#include "ha_box.h"
#include "hrp_check.h"
#include "hrp_mirror.h"
#include "repl.h"
#include "servermap.h"
#include "vgmp.h"
#include "worker.h"

#define STEP_US	 250
#define QUEUE	 256
#define MESSAGE	 1500
#define SESSIONS 4096	/* looked through in several turns, as the blacklist is */
#define SMALL	 256	/* of a peer that has not room for all */
#define MANY	 125000 /* whose turns no number of those of a smaller table's makes up */

struct end {
	struct ha_box box;
	struct hrp_mirror *mirror;
	unsigned int id;
	uint32_t epoch; /* in its messages */
	uint64_t refused[HA_REFUSAL_COUNT];
	bool deaf;  /* what is sent to it waits on its way */
	bool older; /* speaks as a version that knows sessions only */
	bool huge;  /* its bulks are of more places than anybody has memory for */
};

static struct end end[2];
static mono_t now;
static struct {
	uint8_t bytes[QUEUE][MESSAGE];
	uint16_t len[QUEUE];
	uint32_t in, out;
} queue[2]; /* to this end */

static bool
post(void *ctx, const uint8_t *message, uint16_t len)
{
	const size_t at = sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp);
	const struct end *e = ctx;
	const unsigned int to = !e->id, slot = queue[to].in % QUEUE;
	struct hrp_header h;
	struct hrp_nack nack;

	if (queue[to].in - queue[to].out == QUEUE)
		return false;
	memcpy(queue[to].bytes[slot], message, len);
	queue[to].len[slot] = len;
	queue[to].in++;
	memcpy(&h, message + at, sizeof(h));
	if (e->huge && h.op == HRP_OP_BULK_BEGIN) {
		struct hrp_bulk bulk;

		memcpy(&bulk, message + at + sizeof(h), sizeof(bulk));
		bulk.capacity = RTE_BE32(HRP_CAPACITY_MAX + 1);
		memcpy(queue[to].bytes[slot] + at + sizeof(h), &bulk, sizeof(bulk));
	}
	if (e->older && h.op == HRP_OP_NACK) {
		memcpy(&nack, message + at + sizeof(h), sizeof(nack));
		nack.tables = 0;
		memcpy(queue[to].bytes[slot] + at + sizeof(h), &nack, sizeof(nack));
	}
	return true;
}

static int
setup_of(uint32_t sessions, uint32_t sessions_b)
{
	char err[128];

	now = (mono_t){ .ns = 1000 * NS_PER_SEC };
	memset(queue, 0, sizeof(queue));
	for (unsigned int i = 0; i < 2; i++) {
		end[i] = (struct end){ .id = i };
		ha_box_start(
			&end[i].box, i == 0 ? "ma" : "mb", 1, i == 0 ? sessions : sessions_b, 64);
		end[i].mirror =
			hrp_mirror_create(&(struct hrp_mirror_params){ .engine = end[i].box.engine,
						  .frame_max = MESSAGE,
						  .hello_ms = 100,
						  .seed = 5 + i,
						  .methods = { .quick = true },
						  .ctx = &end[i],
						  .send = post },
				err, sizeof(err));
		assert_non_null(end[i].mirror);
		hrp_mirror_link(end[i].mirror, true);
	}
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	return setup_of(SESSIONS, SESSIONS);
}

static int
setup_many(void **state)
{
	(void)state;
	return setup_of(MANY, MANY);
}

static int
setup_small(void **state)
{
	(void)state;
	return setup_of(SESSIONS, SMALL);
}

static int
teardown(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		hrp_mirror_destroy(end[i].mirror);
		ha_box_stop(&end[i].box);
	}
	return 0;
}

static void
run(uint32_t ms)
{
	for (uint32_t us = 0; us < ms * 1000; us += STEP_US) {
		now = mono_add_us(now, STEP_US);
		for (unsigned int i = 0; i < 2; i++) {
			while (!end[i].deaf && queue[i].out != queue[i].in) {
				const uint32_t slot = queue[i].out++ % QUEUE;

				end[i].refused[hrp_mirror_receive(end[i].mirror,
					queue[i].bytes[slot], queue[i].len[slot], end[!i].epoch,
					now)]++;
			}
			hrp_mirror_poll(end[i].mirror, now);
			ha_box_poll(&end[i].box, now);
		}
	}
}

static void
form(void)
{
	hrp_mirror_role(end[0].mirror, true, true, now);
	hrp_mirror_role(end[1].mirror, false, true, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE, now);
	run(500);
}

static void
expect_at(unsigned int box, uint16_t port)
{
	const struct servermap_entry e = { .key = { .dst = ip_addr_v4(RTE_BE32(0xc6336407)),
						   .dport = rte_cpu_to_be_16(port),
						   .proto = IPPROTO_TCP },
		.uses = 1,
		.parent = SERVERMAP_NONE,
		.until = mono_add_ms(now, 100000) };
	bool renewed;

	assert_true(servermap_add(engine_servermap(end[box].box.engine), &e, 0, &renewed));
}

static uint32_t
expected(unsigned int box)
{
	return servermap_count(engine_servermap(end[box].box.engine));
}

static struct hrp_table_status
table(unsigned int box, unsigned int i)
{
	struct hrp_status st = { 0 };

	hrp_mirror_status(end[box].mirror, &st, now);
	assert_int_equal(st.tables_count, repl_table_count());
	return st.tables[i];
}

static uint32_t
session_at_a(uint32_t n)
{
	const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
	const uint32_t index = ha_box_session(&end[0].box, &t, SESSION_TCP_ESTABLISHED, 0, now);

	session_table_set_dirty(end[0].box.sessions, index);
	return index;
}

static uint32_t
at_b(uint32_t n)
{
	const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);

	return ha_box_find(&end[1].box, &t);
}

static void
R186_every_table_has_its_own_bulk_and_proof(void **state)
{
	(void)state;
	session_at_a(1);
	for (uint16_t i = 1; i <= 100; i++)
		expect_at(0, i);
	form();
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror));
	assert_int_equal(expected(1), 100);
	expect_at(0, 2000);
	run(20);
	assert_int_equal(expected(1), 101);
	for (unsigned int i = 0; i < 2; i++) {
		const struct hrp_table_status a = table(0, i), b = table(1, i);

		assert_int_equal(a.bulk_out, HRP_BULK_EQUAL);
		assert_int_equal(b.bulk_in, HRP_BULK_EQUAL);
		assert_int_equal(a.there, i == 0 ? 1 : 100);
		assert_int_equal(a.told, i == 0 ? 1 : 101);
		assert_int_equal(b.copies, a.there);
		assert_int_equal(b.entries, a.told);
		assert_int_equal(a.bulks_out, 1);
		assert_true(a.bulk_ns != 0 && b.bulk_ns != 0 && a.unacked == 0);
		assert_true(a.lag_max_us >= a.lag_median_us && a.lag_median_us > 0);
	}
}

static void
a_peer_of_an_earlier_version_gets_sessions_only(void **state)
{
	(void)state;
	end[1].older = true;
	session_at_a(1);
	expect_at(0, 2000);
	form();
	expect_at(0, 2001);
	session_at_a(2);
	run(100);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror)); /* nothing more will come */
	assert_int_equal(session_table_count(end[1].box.sessions), 2);
	assert_int_equal(expected(1), 0);
	assert_int_equal(table(0, 1).bulk_out, HRP_BULK_UNTAKEN);
	assert_int_equal(table(0, 1).bulks_out, 0);
	/* It is replaced by one that takes all: a new stream. */
	end[1].older = false;
	hrp_mirror_role(end[0].mirror, true, false, now);
	hrp_mirror_link(end[1].mirror, false);
	hrp_mirror_role(end[1].mirror, false, false, now);
	run(10);
	hrp_mirror_link(end[1].mirror, true);
	form();
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_int_equal(expected(1), 2);
	assert_int_equal(table(0, 1).bulk_out, HRP_BULK_EQUAL);
}

/* A bulk waits until what a dead peer has left is taken over: for one walk of each table, whatever
 * their sizes. */
static void
a_bulk_waits_for_one_walk_of_each_table(void **state)
{
	(void)state;
	session_at_a(1);
	expect_at(0, 2000);
	hrp_mirror_role(end[0].mirror, true, true, now);
	hrp_mirror_role(end[1].mirror, false, true, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE, now);
	run(100); /* of 250 us a turn: a walk of the sessions takes 62 */
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror));
}

/* The roles change, and a command is at the blacklist in that very moment. */
static void
a_takeover_ends_though_a_table_was_held_for_a_turn(void **state)
{
	struct blacklist *const list = engine_blacklist(end[1].box.engine);

	(void)state;
	form();
	hrp_mirror_role(end[0].mirror, false, true, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	hrp_mirror_role(end[1].mirror, true, true, now);
	hrp_mirror_peer(end[0].mirror, 2, VGMP_ACTIVE, now);
	assert_true(blacklist_hold(list));
	hrp_mirror_poll(end[1].mirror, now);
	blacklist_let_go(list);
	run(1000);
	assert_true(hrp_mirror_synchronised(end[1].mirror));
	assert_true(hrp_mirror_synchronised(end[0].mirror));
}

static void
R197_a_batch_repairs_what_has_drifted(void **state)
{
	uint16_t generation;
	struct servermap_entry e;

	(void)state;
	session_at_a(1);
	session_at_a(2);
	for (uint16_t i = 1; i <= 10; i++)
		expect_at(0, i);
	hrp_mirror_sync(end[0].mirror); /* nothing to say yet */
	form();
	/* Somebody has taken the peer's copies away. */
	struct servermap *map = engine_servermap(end[1].box.engine);
	assert_true(servermap_look(map, 3, &e, &generation));
	servermap_drop(map, 3, generation, NULL, NULL);
	const struct session_tuple4 t = ha_box_tuple(1, IPPROTO_TCP);
	assert_true(ha_box_kill(&end[1].box, ha_box_find(&end[1].box, &t)));
	run(100);
	assert_int_equal(expected(1), 9);
	assert_int_equal(session_table_count(end[1].box.sessions), 1);
	hrp_mirror_sync(end[1].mirror); /* the standby has nothing to say */
	hrp_mirror_sync(end[0].mirror);
	assert_false(hrp_mirror_synchronised(end[0].mirror));
	run(500);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_int_equal(expected(1), 10);
	assert_int_equal(session_table_count(end[1].box.sessions), 2);
	assert_int_equal(table(0, 0).bulks_out, 2);
	assert_int_equal(table(1, 1).bulks_in, 2);
	assert_int_equal(table(1, 0).swept, 0);
}

/* The standby could not take all, and the active box knows. */
static bool
both_lack(void)
{
	return !hrp_mirror_synchronised(end[0].mirror) && !hrp_mirror_synchronised(end[1].mirror) &&
	       table(0, 0).bulk_out == HRP_BULK_LACKING && table(1, 0).bulk_in == HRP_BULK_LACKING;
}

/* The message that says so may be lost: another follows. */
static void
R97_an_active_box_learns_that_its_standby_lacks_a_session_also_after_a_loss(void **state)
{
	(void)state;
	form();
	for (uint32_t i = 0; i < SMALL + 50; i++)
		session_at_a(i + 1);
	end[0].deaf = true;
	run(100);
	assert_false(hrp_mirror_synchronised(end[1].mirror));
	queue[0].out = queue[0].in;
	end[0].deaf = false;
	run(1);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	run(500);
	assert_true(both_lack());
}

/* What the peer had no room for comes when there is room, without a bulk. */
static void
R197_a_part_that_stays_different_is_told_again_later(void **state)
{
	uint32_t at[SMALL + 50];

	(void)state;
	form();
	for (uint32_t i = 0; i < RTE_DIM(at); i++)
		at[i] = session_at_a(i + 1);
	run(9000);
	const uint64_t in_vain = table(0, 0).unrepaired;
	assert_true(in_vain > 0);
	assert_true(both_lack());
	for (uint32_t i = 0; i < 100; i++)
		assert_true(ha_box_kill(&end[0].box, at[i]));
	run(500); /* there is room, but what was refused is not there */
	assert_true(both_lack());
	run(23500); /* it is left alone for 8 s, and for 16 */
	assert_int_equal(session_table_count(end[1].box.sessions), RTE_DIM(at) - 100);
	run(5000); /* a round without a difference */
	const uint64_t differing = table(0, 0).differing;
	run(5000);
	assert_true(hrp_mirror_synchronised(end[1].mirror));
	run(2000); /* so long its peer believes what it has said last */
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_int_equal(table(0, 0).bulk_out, HRP_BULK_EQUAL);
	assert_int_equal(table(1, 0).bulk_in, HRP_BULK_EQUAL);
	assert_int_equal(table(0, 0).differing, differing);
	assert_int_equal(table(0, 0).bulks_out, 1);
}

/* It is told again after 8 s, 16, 32, 64, not before. */
static void
R197_a_part_told_in_vain_is_left_alone_for_longer_each_time(void **state)
{
	static const uint32_t hold_ms[] = { 8000, 16000, 32000, 64000, 64000 };

	(void)state;
	form();
	for (uint32_t i = 0; i < SMALL + 50; i++)
		session_at_a(i + 1);
	run(HRP_CHECK_ROUND_MS);
	for (uint32_t i = 0; i < RTE_DIM(hold_ms); i++) {
		run(HRP_CHECK_ROUND_MS); /* the end of that in which it was told in vain */
		const uint64_t in_vain = table(0, 0).unrepaired;
		assert_true(in_vain > 0);
		run(hold_ms[i] - HRP_CHECK_ROUND_MS);
		assert_int_equal(table(0, 0).unrepaired, in_vain);
		for (uint32_t ms = 0; table(0, 0).unrepaired == in_vain; ms += 100) {
			assert_true(ms < 3 * HRP_CHECK_ROUND_MS);
			run(100);
		}
	}
}

/* One entry that the peer can never take, in the last part: what lacks in the others comes all the
 * same.  A hold ends with a round, or it would end in the last part each time. */
static void
R197_a_part_that_stays_different_keeps_none_before_it_from_being_repaired(void **state)
{
	uint32_t first = 0, last = 0, ms; /* number of one, place of one */

	(void)state;
	form();
	for (uint32_t n = 1; n < SESSIONS; n++) {
		const uint32_t index = session_at_a(n);

		first = index < SMALL ? n : first;
		last = index >= SESSIONS - SMALL ? index : last;
	}
	assert_true(first != 0 && last != 0);
	run(2000);
	ha_box_at(&end[0].box, last)->zone[0] = MAX_ZONES - 1; /* the peer has none such */
	session_table_set_dirty(end[0].box.sessions, last);
	run(9000);
	assert_true(table(0, 0).unrepaired > 0);
	assert_true(ha_box_kill(&end[1].box, at_b(first)));
	run(100);
	assert_int_equal(at_b(first), SESSION_NONE);
	for (ms = 0; at_b(first) == SESSION_NONE && ms < 100000; ms += 100)
		run(100);
	assert_true(ms < 100000);
}

/* What waits for a frame of a stream that the peer has given up waits no longer, and holds up
 * nobody behind it. */
static void
R198_a_new_stream_of_the_peer_holds_no_first_packet_up(void **state)
{
	struct worker *const w = engine_worker(end[0].box.engine, 0);

	(void)state;
	form();
	for (uint8_t ticket = 1; ticket <= 16;) {
		end[1].deaf = true;
		const uint32_t lost = session_at_a(ticket);
		assert_true(worker_event_held(w, ha_box_at(&end[0].box, lost), lost, ticket++));
		run(5);
		/* The peer begins anew, as one that has started again does. */
		hrp_mirror_link(end[1].mirror, false);
		hrp_mirror_role(end[1].mirror, false, false, now);
		run(1);
		queue[1].out = queue[1].in;
		end[1].deaf = false;
		hrp_mirror_link(end[1].mirror, true);
		hrp_mirror_role(end[1].mirror, false, true, now);
		hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE, now);
		run(300);
		const uint32_t told = session_at_a(ticket);
		assert_true(worker_event_held(w, ha_box_at(&end[0].box, told), told, ticket));
		run(20);
		assert_int_equal(atomic_load(&w->engine->mirrored[0]), ticket);
		ticket++;
	}
}

static uint64_t
refused_by_epoch(unsigned int box)
{
	return end[box].refused[HA_REFUSED_epoch];
}

/* A bulk that a box cannot take is answered too, so that another one follows. */
static void
X35_a_bulk_that_was_refused_is_tried_again(void **state)
{
	(void)state;
	end[0].huge = true;
	session_at_a(1);
	form();
	assert_int_equal(table(0, 0).bulk_out, HRP_BULK_DIFFERS);
	assert_int_equal(table(1, 0).bulk_in, HRP_BULK_DIFFERS);
	assert_false(hrp_mirror_synchronised(end[0].mirror));
	end[0].huge = false;
	run(3000);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror));
	assert_int_not_equal(at_b(1), SESSION_NONE);
}

/* The records of a frame of three sessions that is on its way to the second box. */
static uint8_t *
three_on_their_way(void)
{
	const uint16_t size = sizeof(struct hrp_record_session4);
	struct hrp_header h;

	for (uint32_t i = queue[1].out; i != queue[1].in; i++) {
		uint8_t *const m = queue[1].bytes[i % QUEUE];

		memcpy(&h, m + sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp), sizeof(h));
		if (h.op == HRP_OP_ADD && queue[1].len[i % QUEUE] == HRP_STREAM_OVERHEAD + 3 * size)
			return m + HRP_STREAM_OVERHEAD;
	}
	return NULL;
}

/* The second of three records: where the next one begins is known, or is not. */
static void
HAC_03_a_record_of_no_length_ends_its_frame_and_one_of_no_known_type_is_skipped(void **state)
{
	const uint16_t size = sizeof(struct hrp_record_session4);
	static const struct {
		uint8_t type, length, refused;
		bool third; /* is installed */
	} rows[] = {
		{ HRP_RECORD_SESSION4, 0, 1, false },
		{ HRP_RECORD_SESSION4, 1, 1, false },
		{ HRP_RECORD_SESSION4, 7, 1, false },
		{ HRP_RECORD_SESSION4, 121, 1, false }, /* one octet beyond the end */
		{ HRP_RECORD_SESSION4, 255, 1, false },
		{ HRP_RECORD_SESSION4, 120, 1, false }, /* known, and of another length */
		{ 77, 0, 1, false },
		{ 77, 255, 1, false },
		{ 77, 120, 0, false },
		{ 77, 60, 0, true },
	};

	(void)state;
	form();
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		const struct hrp_table_status had = table(1, 0);
		struct hrp_status before = { 0 }, after = { 0 };
		uint8_t *records;

		hrp_mirror_status(end[1].mirror, &before, now);
		end[1].deaf = true;
		for (uint32_t k = 0; k < 3; k++)
			session_at_a(10 * i + k);
		run(20);
		records = three_on_their_way();
		if (records == NULL) {
			fail_msg("row %u: no frame with three records is on its way",
				(unsigned int)i);
			return; /* the compiler does not know */
		}
		records[size] = rows[i].type;
		records[size + 1] = rows[i].length;
		end[1].deaf = false;
		run(10);
		hrp_mirror_status(end[1].mirror, &after, now);
		assert_int_equal(
			after.refused[HA_REFUSED_record] - before.refused[HA_REFUSED_record],
			rows[i].refused);
		assert_int_equal(table(1, 0).installed - had.installed, rows[i].third ? 2 : 1);
		run(6000); /* what is missing is found */
		for (uint32_t k = 0; k < 3; k++)
			assert_int_not_equal(at_b(10 * i + k), SESSION_NONE);
	}
}

/* The second box takes over because the first fell silent; that one goes on and does not know. */
static void
replace(uint32_t epoch)
{
	hrp_mirror_groups(end[1].mirror, 1 << 2, epoch, false, now);
	hrp_mirror_role(end[1].mirror, true, false, now);
	run(20);
}

static void
replaced_box_brings_nothing_back(uint32_t older, uint32_t newer)
{
	const uint32_t ended = session_at_a(1), kept = session_at_a(2);

	end[0].epoch = older;
	form();
	replace(newer);
	assert_true(ha_box_kill(&end[1].box, at_b(1)));
	run(20);
	assert_int_equal(at_b(1), SESSION_NONE);
	/* Its keep-alive, a new session, a state, a deletion, a batch, the comparison of parts. */
	session_table_set_dirty(end[0].box.sessions, ended);
	session_at_a(3);
	assert_true(ha_box_kill(&end[0].box, kept));
	hrp_mirror_sync(end[0].mirror);
	run(6000);
	assert_int_equal(at_b(1), SESSION_NONE);
	assert_int_equal(at_b(3), SESSION_NONE);
	assert_int_not_equal(at_b(2), SESSION_NONE);
	assert_int_equal(ha_box_ctl(&end[1].box, at_b(2)) & SESSION_F_REMOTE, 0);
	assert_true(refused_by_epoch(1) > 0);
	/* It is heard again, and claims the same role still, by an older epoch. */
	const uint64_t before = refused_by_epoch(1);
	hrp_mirror_role(end[1].mirror, true, true, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE, now);
	run(1000);
	assert_int_equal(at_b(1), SESSION_NONE);
	assert_int_equal(at_b(3), SESSION_NONE);
	assert_true(refused_by_epoch(1) > before);
	/* It knows now: it is standby, and filled. */
	hrp_mirror_groups(end[0].mirror, 0, 0, true, now);
	hrp_mirror_role(end[0].mirror, false, true, now);
	hrp_mirror_peer(end[0].mirror, 2, VGMP_ACTIVE, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	run(1500);
	assert_true(hrp_mirror_synchronised(end[1].mirror));
	assert_int_equal(at_b(1), SESSION_NONE);
	assert_int_equal(table(1, 0).there, 1);
}

static void
HAC07_a_session_that_has_ended_does_not_come_back_from_a_box_that_was_replaced(void **state)
{
	(void)state;
	replaced_box_brings_nothing_back(7, 8);
}

static void
HAC07_nor_does_it_where_role_epochs_go_round(void **state)
{
	(void)state;
	replaced_box_brings_nothing_back(UINT32_MAX, 0);
}

/* What is on its way reaches the second box, which has the role, before or after it has heard that
 * the first is standby; this it heard before it took the role (T10), or not (T5). */
static void
hand_over(bool heard_before, bool late)
{
	form();
	session_at_a(2);
	run(500);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE_TO_STANDBY, now);
	end[1].deaf = true;
	session_at_a(1);
	run(10);
	hrp_mirror_groups(end[0].mirror, 0, 0, true, now);
	hrp_mirror_role(end[0].mirror, false, true, now);
	if (heard_before)
		hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	hrp_mirror_groups(end[1].mirror, 1 << 2, 2, true, now);
	hrp_mirror_role(end[1].mirror, true, true, now);
	hrp_mirror_peer(end[0].mirror, 2, VGMP_ACTIVE, now);
	end[1].deaf = false;
	if (!late)
		run(50);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	run(50);
	assert_int_not_equal(at_b(1), SESSION_NONE);
	assert_int_not_equal(at_b(2), SESSION_NONE);
	assert_int_equal(refused_by_epoch(1), 0);
}

static void
a_change_on_its_way_at_a_hand_over_is_taken(void **state)
{
	(void)state;
	form();
	const struct session_tuple4 t = ha_box_tuple(3, IPPROTO_TCP);
	const uint32_t index = ha_box_session(&end[0].box, &t, SESSION_TCP_SYN_SENT, 0, now);

	session_table_set_dirty(end[0].box.sessions, index);
	run(500);
	assert_int_equal(
		ha_box_ctl(&end[1].box, at_b(3)) & SESSION_STATE_MASK, SESSION_TCP_SYN_SENT);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE_TO_STANDBY, now);
	hrp_mirror_groups(end[1].mirror, 1 << 2, 2, true, now);
	hrp_mirror_role(end[1].mirror, true, true, now);
	end[1].deaf = true;
	run(2);
	/* The old box drains: the SYN-ACK passes there. */
	atomic_fetch_xor(&ha_box_at(&end[0].box, index)->ctl,
		SESSION_TCP_SYN_SENT ^ SESSION_TCP_ESTABLISHED);
	session_table_set_dirty(end[0].box.sessions, index);
	run(8);
	hrp_mirror_groups(end[0].mirror, 0, 0, true, now);
	hrp_mirror_role(end[0].mirror, false, true, now);
	hrp_mirror_peer(end[0].mirror, 2, VGMP_ACTIVE, now);
	end[1].deaf = false;
	run(20);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	run(100);
	assert_int_equal(
		ha_box_ctl(&end[1].box, at_b(3)) & SESSION_STATE_MASK, SESSION_TCP_ESTABLISHED);
}

static void
what_is_on_its_way_at_a_hand_over_is_taken(void **state)
{
	(void)state;
	hand_over(false, true);
}

static void
what_arrives_before_the_end_of_a_hand_over_is_heard_is_taken(void **state)
{
	(void)state;
	hand_over(false, false);
}

static void
what_is_on_its_way_when_the_role_is_given_on_request_is_taken(void **state)
{
	(void)state;
	hand_over(true, true);
}

/* Of what is on its way to the second box no records arrive. */
static void
lose_records(void)
{
	uint32_t kept = queue[1].out;
	struct hrp_header h;

	for (uint32_t i = queue[1].out; i != queue[1].in; i++) {
		const uint8_t *const m = queue[1].bytes[i % QUEUE];

		memcpy(&h, m + sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp), sizeof(h));
		if (h.op == HRP_OP_ADD)
			continue;
		memmove(queue[1].bytes[kept % QUEUE], m, queue[1].len[i % QUEUE]);
		queue[1].len[kept++ % QUEUE] = queue[1].len[i % QUEUE];
	}
	queue[1].in = kept;
}

/* The first word of a session is lost, and comes again when the second box has told all that it
 * has: it ends nowhere. */
static void
what_is_lost_on_its_way_at_a_hand_over_is_taken(void **state)
{
	(void)state;
	form();
	session_at_a(2);
	run(500);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE_TO_STANDBY, now);
	end[1].deaf = true;
	session_at_a(1);
	run(8);
	hrp_mirror_groups(end[0].mirror, 0, 0, true, now);
	hrp_mirror_role(end[0].mirror, false, true, now);
	hrp_mirror_groups(end[1].mirror, 1 << 2, 2, true, now);
	hrp_mirror_role(end[1].mirror, true, true, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	hrp_mirror_peer(end[0].mirror, 2, VGMP_ACTIVE, now);
	run(8);
	lose_records();
	end[1].deaf = false;
	run(1000);
	assert_int_not_equal(at_b(1), SESSION_NONE);
	assert_int_not_equal(at_b(2), SESSION_NONE);
	assert_int_equal(session_table_count(end[0].box.sessions), 2);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror));
}

/* R110: each has a role of its own, so that no epoch is older. */
static void
with_load_sharing_both_are_heard_whatever_the_epochs(void **state)
{
	(void)state;
	end[0].epoch = 1;
	hrp_mirror_groups(end[0].mirror, 1 << 1, 1, true, now);
	hrp_mirror_groups(end[1].mirror, 1 << 1, 9, true, now);
	for (unsigned int i = 0; i < 2; i++) {
		hrp_mirror_role(end[i].mirror, true, true, now);
		hrp_mirror_peer(end[i].mirror, 1, VGMP_ACTIVE, now);
	}
	run(500);
	session_at_a(1);
	run(50);
	assert_int_not_equal(at_b(1), SESSION_NONE);
	assert_int_equal(refused_by_epoch(1), 0);
}

/* Both ends begin at once, each by another box: each has the session from its side.  It is one. */
static void
X39_a_flow_that_both_ends_begin_at_once_is_of_both_boxes(void **state)
{
	struct session_tuple4 t[2] = { ha_box_tuple(1, IPPROTO_UDP) };
	uint32_t at[2];

	(void)state;
	t[1] = (struct session_tuple4){ .src = t[0].dst,
		.dst = t[0].src,
		.sport = t[0].dport,
		.dport = t[0].sport,
		.proto = IPPROTO_UDP };
	for (unsigned int i = 0; i < 2; i++) {
		hrp_mirror_groups(end[i].mirror, 1 << 1, 1, true, now);
		hrp_mirror_role(end[i].mirror, true, true, now);
		hrp_mirror_peer(end[i].mirror, 1, VGMP_ACTIVE, now);
	}
	run(500);
	for (unsigned int i = 0; i < 2; i++) {
		at[i] = ha_box_session(&end[i].box, &t[i], SESSION_UDP_FIRST, 0, now);
		struct session *const s = ha_box_at(&end[i].box, at[i]);
		const uint8_t inside = s->zone[0];

		if (i == 1) {
			s->zone[0] = s->zone[1];
			s->zone[1] = inside;
		}
		session_table_set_dirty(end[i].box.sessions, at[i]);
	}
	run(9000);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(ha_box_find(&end[i].box, &t[i]), at[i]);
		assert_int_not_equal(ha_box_ctl(&end[i].box, at[i]) & SESSION_F_SHARED, 0);
		assert_true(hrp_mirror_synchronised(end[i].mirror));
		assert_int_equal(table(i, 0).differing, 0);
		hrp_mirror_sync(end[i].mirror);
	}
	run(1000);
	for (unsigned int i = 0; i < 2; i++)
		assert_true(hrp_mirror_synchronised(end[i].mirror));
	/* The one box ends it, then that has the copy of the other. */
	assert_true(ha_box_kill(&end[0].box, at[0]));
	run(100);
	const uint32_t copy = ha_box_find(&end[0].box, &t[0]);
	assert_int_not_equal(copy, SESSION_NONE);
	assert_int_not_equal(ha_box_ctl(&end[0].box, copy) & SESSION_F_REMOTE, 0);
	assert_int_equal(ha_box_ctl(&end[1].box, at[1]) & SESSION_F_SHARED, 0);
	run(9000);
	assert_int_equal(table(1, 0).differing, 0);
	assert_true(hrp_mirror_synchronised(end[1].mirror));
}

/* A bulk of the second box is on its way, which leaves out what the first one owns, when this hands
 * its role over: it ends nothing. */
static void
R110_a_bulk_from_before_a_hand_over_ends_nothing(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		hrp_mirror_groups(end[i].mirror, 1 << 1, 1, true, now);
		hrp_mirror_role(end[i].mirror, true, true, now);
		hrp_mirror_peer(end[i].mirror, 1, VGMP_ACTIVE, now);
	}
	run(500);
	session_at_a(1);
	run(500);
	end[0].deaf = true;
	hrp_mirror_sync(end[1].mirror);
	run(5);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE_TO_STANDBY, now);
	hrp_mirror_groups(end[1].mirror, 1 << 1 | 1 << 2, 2, true, now);
	hrp_mirror_role(end[1].mirror, true, true, now);
	run(1);
	hrp_mirror_groups(end[0].mirror, 0, 1, true, now);
	hrp_mirror_role(end[0].mirror, false, true, now);
	end[0].deaf = false;
	run(50);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	run(500);
	assert_int_not_equal(at_b(1), SESSION_NONE);
	assert_int_equal(session_table_count(end[0].box.sessions), 1);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			R186_every_table_has_its_own_bulk_and_proof, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_peer_of_an_earlier_version_gets_sessions_only, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_bulk_waits_for_one_walk_of_each_table, setup_many, teardown),
		cmocka_unit_test_setup_teardown(
			a_takeover_ends_though_a_table_was_held_for_a_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(
			R197_a_batch_repairs_what_has_drifted, setup, teardown),
		cmocka_unit_test_setup_teardown(
			R97_an_active_box_learns_that_its_standby_lacks_a_session_also_after_a_loss,
			setup_small, teardown),
		cmocka_unit_test_setup_teardown(
			R197_a_part_that_stays_different_is_told_again_later, setup_small,
			teardown),
		cmocka_unit_test_setup_teardown(
			R197_a_part_told_in_vain_is_left_alone_for_longer_each_time, setup_small,
			teardown),
		cmocka_unit_test_setup_teardown(
			R197_a_part_that_stays_different_keeps_none_before_it_from_being_repaired,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			X35_a_bulk_that_was_refused_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			HAC_03_a_record_of_no_length_ends_its_frame_and_one_of_no_known_type_is_skipped,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			R198_a_new_stream_of_the_peer_holds_no_first_packet_up, setup, teardown),
		cmocka_unit_test_setup_teardown(
			HAC07_a_session_that_has_ended_does_not_come_back_from_a_box_that_was_replaced,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			HAC07_nor_does_it_where_role_epochs_go_round, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_change_on_its_way_at_a_hand_over_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_on_its_way_at_a_hand_over_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_arrives_before_the_end_of_a_hand_over_is_heard_is_taken, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			what_is_on_its_way_when_the_role_is_given_on_request_is_taken, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			what_is_lost_on_its_way_at_a_hand_over_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
			with_load_sharing_both_are_heard_whatever_the_epochs, setup, teardown),
		cmocka_unit_test_setup_teardown(
			X39_a_flow_that_both_ends_begin_at_once_is_of_both_boxes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			R110_a_bulk_from_before_a_hand_over_ends_nothing, setup, teardown),
	};

	test_eal_start(512, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

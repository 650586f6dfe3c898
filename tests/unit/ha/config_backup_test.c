/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two boxes' backup of the configuration over a wire that loses and doubles frames, and a clock of
 * its own (R185-R194, R197).
 */
#include "config_backup.h"

#include <rte_common.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TURN_MS 10

static struct box {
	struct config_backup *b;
	struct config_standing standing;
	bool automatic;
	char *file;		     /* what it has applied last */
	const char *refuse;	     /* NULL = it takes what comes */
	unsigned int applied, saved; /* saved: once more */
	unsigned int ends;
	char told[320];	     /* of the last end */
	const char *unsaved; /* why its file cannot be written; NULL = it can */
	struct config_frame queue[512];
	uint32_t count;
} box[2];
static mono_t now;
static uint32_t loss;	 /* of 100 frames */
static uint32_t reorder; /* likewise: one that overtakes others */
static uint32_t dice;

static uint32_t
roll(void)
{
	dice = dice * UINT32_C(1664525) + UINT32_C(1013904223);
	return (dice >> 16) % 100;
}

static bool
op_send(void *ctx, const struct config_frame *f)
{
	struct box *const to = ctx == &box[0] ? &box[1] : &box[0];

	for (int copies = roll() < loss ? 2 : 1; copies > 0; copies--)
		if (roll() >= loss && to->count < RTE_DIM(to->queue)) {
			uint32_t at = to->count++;

			for (; at > 0 && roll() < reorder; at--)
				to->queue[at] = to->queue[at - 1];
			to->queue[at] = *f;
		}
	return true;
}

static bool
op_apply(void *ctx, const char *document, char *why, size_t size)
{
	struct box *const b = ctx;

	b->applied++;
	if (b->refuse != NULL) {
		snprintf(why, size, "%s", b->refuse);
		return false;
	}
	free(b->file);
	b->file = strdup(document);
	config_backup_document(b->b, strdup(document));
	snprintf(why, size, "%s", b->unsaved != NULL ? b->unsaved : "");
	return true;
}

static void
op_told(void *ctx, bool inbound, enum hrp_config_result result, uint32_t generation,
	const char *reason)
{
	struct box *const b = ctx;

	snprintf(b->told, sizeof(b->told), "%s %s %u %s", inbound ? "received" : "sent",
		config_result_names[result], generation, reason);
	b->ends++;
}

static void
op_save(void *ctx, char *why, size_t size)
{
	struct box *const b = ctx;

	b->saved++;
	snprintf(why, size, "%s", b->unsaved != NULL ? b->unsaved : "");
}

static void
edit(int i, const char *text)
{
	free(box[i].file);
	box[i].file = strdup(text);
	config_backup_document(box[i].b, strdup(text));
}

/* What an active box's hello tells. */
static void
hello(int from)
{
	struct config_frame f = { .head = { .kind = HRP_CONFIG_STATE } };
	struct config_backup_status s;

	config_backup_status(box[from].b, &s);
	f.head.role = (uint8_t)s.role;
	f.head.flags = (uint8_t)((s.automatic ? HRP_HELLO_AUTO_CONFIG : 0) |
				 (s.newer ? HRP_HELLO_CONFIG_NEWER : 0));
	f.head.generation = rte_cpu_to_be_32(s.generation);
	memcpy(f.head.digest, s.digest, sizeof(f.head.digest));
	config_backup_receive(box[!from].b, &f, now);
}

static void
run(uint64_t ms)
{
	for (uint64_t end = now.ns + ms * NS_PER_MS; now.ns < end; now.ns += TURN_MS * NS_PER_MS) {
		for (int i = 0; i < 2; i++) {
			if (box[i].standing.active && box[i].standing.alive &&
				now.ns / NS_PER_MS % 1000 == 0)
				hello(i);
			const uint32_t count = box[i].count;

			for (uint32_t k = 0; k < count; k++)
				config_backup_receive(box[i].b, &box[i].queue[k], now);
			memmove(box[i].queue, box[i].queue + count,
				(box[i].count - count) * sizeof(box[i].queue[0]));
			box[i].count -= count;
		}
		for (int i = 0; i < 2; i++)
			(void)config_backup_turn(box[i].b, &box[i].standing, box[i].automatic, now);
	}
}

static void
stand(bool active0, bool active1, bool alive)
{
	const bool active[2] = { active0, active1 };

	for (int i = 0; i < 2; i++)
		box[i].standing = (struct config_standing){ .active = active[i],
			.alive = alive,
			.peer_active = alive && active[!i],
			.first = i == 0 };
}

/* A box as it starts. */
static void
create(int i)
{
	const struct config_backup_ops ops = {
		.ctx = &box[i], .send = op_send, .apply = op_apply, .save = op_save, .told = op_told
	};

	box[i].b = config_backup_create(&ops, 5u + (uint32_t)i);
	assert_non_null(box[i].b);
}

static int
begin(void **state)
{
	(void)state;
	now = (mono_t){ .ns = 1000 * NS_PER_MS };
	loss = reorder = 0;
	dice = 7;
	for (int i = 0; i < 2; i++) {
		box[i] = (struct box){ .automatic = true };
		create(i);
		edit(i, "first");
	}
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		config_backup_destroy(box[i].b);
		free(box[i].file);
	}
	return 0;
}

static struct config_backup_status
status(int i)
{
	struct config_backup_status s;

	config_backup_status(box[i].b, &s);
	return s;
}

static void
expect_equal(const char *text)
{
	for (int i = 0; i < 2; i++) {
		assert_string_equal(box[i].file, text);
		assert_string_equal(config_backup_state_names[status(i).state], "equal");
		assert_false(config_backup_pending(box[i].b));
	}
	assert_int_equal(status(0).generation, status(1).generation);
}

static void
R190_R192_the_config_master(void **state)
{
	enum { N = HRP_CONFIG_NOBODY, M = HRP_CONFIG_MASTER, S = HRP_CONFIG_STANDBY };
	static const struct {
		int own, peers;
		bool active, alive, peer_active, first;
		int next;
	} rows[] = {
		/* alone */
		{ N, N, true, false, false, false, M },
		{ S, M, true, false, false, false, M },
		{ M, N, false, false, false, false, N },
		/* active/standby: the active box, at once (R187, R192) */
		{ N, N, true, true, false, false, M },
		{ S, M, true, true, false, false, M },
		{ M, S, false, true, true, true, S },
		{ N, N, false, true, false, true, N },
		/* load sharing: whoever was it when the other came (R190) */
		{ M, N, true, true, true, false, M },
		{ M, S, true, true, true, false, M },
		{ N, M, true, true, true, true, S },
		{ S, M, true, true, true, true, S },
		/* both or none say so: one of them, the same one at both boxes */
		{ M, M, true, true, true, true, M },
		{ M, M, true, true, true, false, S },
		{ N, N, true, true, true, true, M },
		{ N, N, true, true, true, false, S },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct config_standing s = { rows[i].active, rows[i].alive,
			rows[i].peer_active, rows[i].first };

		if ((int)config_role_next((enum hrp_config_role)rows[i].own,
			    (enum hrp_config_role)rows[i].peers, &s) != rows[i].next)
			fail_msg("row %u", i);
	}
}

static void
R187_R194_an_edit_is_at_the_peer_at_once(void **state)
{
	(void)state;
	stand(true, false, true);
	run(3000);
	expect_equal("first");
	assert_int_equal(box[1].applied, 0);
	edit(0, "second");
	run(100);
	expect_equal("second");
	assert_int_equal(box[1].applied, 1);
	assert_int_equal(status(0).generation, 2);
	run(20000);
	assert_int_equal(box[1].applied, 1);
}

/* P28: whatever each brings along when the pair forms, the master's counts. */
static void
R188_R190_load_sharing_has_one_master_and_one_direction(void **state)
{
	(void)state;
	edit(0, "of the first");
	edit(1, "of the second");
	box[1].standing = (struct config_standing){ .active = true };
	run(1000); /* box 1 is up, box 0 is not yet */
	stand(false, true, true);
	run(500);
	stand(true, true, true);
	run(5000);
	expect_equal("of the second");
	assert_int_equal(status(1).role, HRP_CONFIG_MASTER);
	assert_int_equal(status(0).role, HRP_CONFIG_STANDBY);
	edit(1, "later");
	run(500);
	expect_equal("later");
}

static void
R185_R191_the_standby_is_locked_while_the_peer_lives(void **state)
{
	(void)state;
	stand(true, false, true);
	run(3000);
	assert_true(config_backup_locked(box[1].b, now));
	assert_false(config_backup_locked(box[0].b, now));
	/* The ways out: automatic backup off at either box; a peer that is dead. */
	box[0].automatic = false;
	run(1500);
	assert_false(config_backup_locked(box[1].b, now));
	box[0].automatic = true;
	box[1].automatic = false;
	run(1500);
	assert_false(config_backup_locked(box[1].b, now));
	box[1].automatic = true;
	run(1500);
	assert_true(config_backup_locked(box[1].b, now));
	stand(false, true, false);
	run(1500);
	assert_false(config_backup_locked(box[1].b, now));
	assert_int_equal(status(1).role, HRP_CONFIG_MASTER);
}

/* R192: the predecessor comes back with what it had; it gets what has been edited since. */
static void
R192_the_new_active_box_is_the_master(void **state)
{
	(void)state;
	stand(true, false, true);
	run(3000);
	stand(true, true, false);
	run(1000);
	edit(1, "since");
	stand(false, true, true);
	run(5000);
	expect_equal("since");
	assert_int_equal(status(1).role, HRP_CONFIG_MASTER);
}

static void
R197_off_nothing_goes_but_by_order(void **state)
{
	(void)state;
	box[1].automatic = false;
	stand(true, false, true);
	edit(0, "second");
	run(20000);
	assert_int_equal(box[1].applied, 0);
	assert_string_equal(config_backup_state_names[status(0).state], "differs");
	assert_string_equal(config_backup_state_names[status(1).state], "differs");
	assert_non_null(config_backup_push(box[1].b)); /* not the master */
	assert_null(config_backup_push(box[0].b));
	run(2000);
	expect_equal("second");
	/* Once more: nothing to be done there. */
	assert_null(config_backup_push(box[0].b));
	run(2000);
	assert_int_equal(box[1].applied, 1);
	assert_int_equal(status(0).result, HRP_CONFIG_APPLIED);
}

static void
refused_as_a_whole_with_the_reason_on_both_boxes(void **state)
{
	(void)state;
	box[1].refuse = "interfaces: none is called X";
	stand(true, false, true);
	edit(0, "second");
	run(20000);
	assert_string_equal(box[1].file, "first");
	assert_int_equal(box[1].applied, 1); /* not again and again */
	for (int i = 0; i < 2; i++) {
		assert_string_equal(config_backup_state_names[status(i).state], "refused");
		assert_string_equal(status(i).reason, box[1].refuse);
		assert_false(config_backup_pending(box[i].b));
	}
	uint8_t digest[CONFIG_DIGEST];

	assert_true(config_backup_refused(box[1].b, digest));
	assert_memory_equal(digest, status(0).digest, CONFIG_DIGEST);
	/* Another edit is another try; what was amiss may be mended, too. */
	edit(0, "third");
	run(2000);
	assert_int_equal(box[1].applied, 2);
	box[1].refuse = NULL;
	run(62000);
	expect_equal("third");
}

/* A copy of a frame, from before the last edit. */
static void
a_late_frame_brings_no_older_document_back(void **state)
{
	struct config_frame late = { 0 };

	(void)state;
	stand(true, false, true);
	run(3000);
	edit(0, "second");
	while (late.head.kind != HRP_CONFIG_CHUNK) {
		for (uint32_t k = 0; k < box[1].count; k++)
			if (box[1].queue[k].head.kind == HRP_CONFIG_CHUNK)
				late = box[1].queue[k];
		run(TURN_MS);
	}
	run(1000);
	edit(0, "third");
	run(1000);
	expect_equal("third");
	config_backup_receive(box[1].b, &late, now);
	assert_int_equal(box[1].applied, 2);
	run(1000);
	expect_equal("third");
}

/* Nobody waits for what will never come: refused, with the reason, on both boxes. */
static void
R194_what_is_too_large_is_kept_back_and_both_boxes_say_so(void **state)
{
	const size_t size = (size_t)HRP_CONFIG_SIZE_MAX + 1;
	char *text = calloc(1, size + 1);
	uint8_t digest[CONFIG_DIGEST];

	(void)state;
	assert_non_null(text);
	memset(text, 'x', size);
	stand(true, false, true);
	run(3000);
	loss = 20;
	edit(0, text);
	run(20000);
	loss = 0;
	run(1500);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(config_backup_state_names[status(i).state], "refused");
		assert_non_null(strstr(status(i).reason, "33554433 bytes"));
		assert_non_null(strstr(status(i).reason, "expected at most 32 MiB"));
		assert_false(config_backup_pending(box[i].b));
	}
	assert_true(config_backup_refused(box[1].b, digest));
	assert_memory_equal(digest, status(0).digest, CONFIG_DIGEST);
	assert_int_equal(box[1].applied, 0);
	/* By order it is the same, and a smaller one goes. */
	assert_null(config_backup_push(box[0].b));
	run(2000);
	assert_string_equal(config_backup_state_names[status(1).state], "refused");
	edit(0, "smaller");
	run(2000);
	expect_equal("smaller");
	/* The limit itself does. */
	text[size - 1] = '\0';
	edit(0, text);
	run(60000);
	expect_equal(text);
	free(text);
}

static void
R197_an_order_saves_what_could_not_be_saved(void **state)
{
	(void)state;
	stand(true, false, true);
	run(3000);
	box[1].unsaved = "fw.conf: cannot be saved: No space left on device";
	edit(0, "second");
	run(2000);
	expect_equal("second");
	for (int i = 0; i < 2; i++)
		assert_string_equal(status(i).reason, box[1].unsaved);
	assert_null(config_backup_push(box[0].b));
	run(2000);
	assert_int_equal(box[1].saved, 1);
	assert_string_equal(status(0).reason, box[1].unsaved);
	box[1].unsaved = NULL;
	assert_null(config_backup_push(box[0].b));
	run(2000);
	assert_int_equal(box[1].saved, 2);
	assert_int_equal(box[1].applied, 1);
	for (int i = 0; i < 2; i++)
		assert_string_equal(status(i).reason, "");
}

/* The box ends and starts with what is in its file, and with what it has kept beside it. */
static void
restart(int i, const char *edited, bool kept)
{
	struct config_origin_of origin;

	config_backup_origin(box[i].b, &origin);
	config_backup_destroy(box[i].b);
	box[i].count = 0;
	create(i);
	if (kept)
		config_backup_restore(box[i].b, &origin);
	if (edited != NULL)
		edit(i, edited);
	else
		config_backup_document(box[i].b, strdup(box[i].file));
}

/* Both were down, and the one that has not been edited comes up first: what has been edited on
 * from that counts, unless somebody has edited the other one, too. */
static void
R192_the_newer_configuration_wins_after_both_were_down(void **state)
{
	static const struct {
		const char *what, *first, *late, *edit; /* edit: on the first, when it is up */
		bool kept[2], automatic, sharing;
		const char *refuse, *end;
	} rows[] = {
		{ "nothing else", NULL, NULL, NULL, { true, true }, true, false, NULL, "since" },
		{ "load sharing", NULL, NULL, NULL, { true, true }, true, true, NULL, "since" },
		{ "the first's file was edited", "file", NULL, NULL, { true, true }, true, false,
			NULL, "file" },
		{ "the late one's was", NULL, "file", NULL, { true, true }, true, false, NULL,
			"first" },
		{ "edited when it was up", NULL, NULL, "up", { true, true }, true, false, NULL,
			"up" },
		{ "the first knows nothing", NULL, NULL, NULL, { false, true }, true, false, NULL,
			"first" },
		{ "the late one knows nothing", NULL, NULL, NULL, { true, false }, true, false,
			NULL, "first" },
		{ "the first refuses it", NULL, NULL, NULL, { true, true }, true, false, "no",
			"first" },
		{ "by order only", NULL, NULL, NULL, { true, true }, false, false, NULL, NULL },
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		if (i > 0)
			begin(state);
		stand(true, false, true);
		run(3000);
		stand(true, true, false); /* box 0 is down: what it says now is lost */
		run(1000);
		edit(1, "since");
		run(1000);
		box[0].automatic = rows[i].automatic;
		box[0].refuse = rows[i].refuse;
		restart(0, rows[i].first, rows[i].kept[0]);
		restart(1, rows[i].late, rows[i].kept[1]);
		stand(true, false, false);
		run(2000);
		if (rows[i].edit != NULL)
			edit(0, rows[i].edit);
		stand(true, rows[i].sharing, true);
		run(5000);
		if (rows[i].end == NULL) {
			assert_string_equal(box[0].file, "first");
			assert_string_equal(box[1].file, "since");
		} else if (strcmp(box[0].file, rows[i].end) != 0 ||
			   strcmp(box[1].file, rows[i].end) != 0) {
			fail_msg("%s: %s, %s", rows[i].what, box[0].file, box[1].file);
		} else {
			expect_equal(rows[i].end);
		}
		assert_int_equal(status(0).role, HRP_CONFIG_MASTER);
		if (i + 1 < RTE_DIM(rows))
			finish(state);
	}
}

/* An edit on the master, while an older one's successor is on its way to it: the edit counts. */
static void
R192_an_edit_on_the_master_ends_what_was_on_its_way_to_it(void **state)
{
	const size_t size = 200000;
	char *text = calloc(1, size + 1);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', size);
	stand(true, false, true);
	run(3000);
	stand(true, true, false);
	run(1000);
	edit(1, text);
	restart(0, NULL, true);
	restart(1, NULL, true);
	stand(true, false, false);
	run(1000);
	stand(true, false, true);
	for (int turns = 0; turns < 1000 && status(0).received == 0; turns++)
		run(TURN_MS);
	assert_true(status(0).received > 0);
	assert_int_equal(box[0].applied, 0);
	edit(0, "edited");
	run(5000);
	expect_equal("edited");
	free(text);
}

static void
each_end_of_a_transfer_is_told_once(void **state)
{
	(void)state;
	stand(true, false, true);
	run(3000);
	assert_int_equal(box[0].ends + box[1].ends, 0);
	edit(0, "second");
	run(2000);
	assert_string_equal(box[0].told, "sent applied 2 ");
	assert_string_equal(box[1].told, "received applied 2 ");
	box[1].refuse = "interfaces: none is called X";
	edit(0, "third");
	run(200000); /* tried each minute: it is no news */
	assert_string_equal(box[0].told, "sent refused 3 interfaces: none is called X");
	assert_int_equal(box[0].ends, 2);
	assert_string_equal(box[1].told, "received refused 3 interfaces: none is called X");
	assert_int_equal(box[1].ends, 2);
}

static void
generations_go_round(void **state)
{
	static const struct {
		uint32_t own, peers, next;
	} rows[] = {
		{ 0, 0, 1 },
		{ 0, 5, 6 },
		{ 5, 0, 6 },
		{ 5, 7, 8 },
		{ 7, 5, 8 },
		{ UINT32_MAX, UINT32_MAX, 1 },
		{ UINT32_MAX, 0, 1 },
		{ 0, UINT32_MAX, 1 },
		/* the other one is round already */
		{ UINT32_MAX, 1, 2 },
		{ 2, UINT32_MAX - 1, 3 },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		if (config_backup_next(rows[i].own, rows[i].peers) != rows[i].next)
			fail_msg("row %u", i);
	}
}

static void
a_peer_that_knows_nothing_of_it_is_left_alone(void **state)
{
	(void)state;
	struct config_backup *const other = box[0].b; /* box 1 has no turn: it says nothing */

	for (int i = 0; i < 1000; i++, now.ns += TURN_MS * NS_PER_MS) {
		const struct config_standing s = { .active = true, .alive = true };

		(void)config_backup_turn(other, &s, true, now);
	}
	assert_int_equal(box[1].count, 0);
	assert_string_equal(config_backup_state_names[status(0).state], "untaken");
	assert_non_null(config_backup_push(other));
	assert_false(config_backup_locked(other, now));
}

/* Large, and a wire that loses, doubles and mixes up a part of all. */
static void
R194_a_bad_wire_delays_but_changes_nothing(void **state)
{
	static const struct {
		uint32_t loss, reorder;
	} rows[] = { { 0, 0 }, { 5, 0 }, { 20, 0 }, { 0, 30 }, { 5, 30 }, { 20, 80 } };
	const size_t size = 300000;
	char *text = calloc(1, size + 1);

	(void)state;
	assert_non_null(text);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		loss = rows[i].loss;
		reorder = rows[i].reorder;
		stand(true, false, true);
		run(3000);
		for (size_t k = 0; k < size; k++)
			text[k] = (char)('a' + (k * 7 + i) % 26);
		edit(0, text);
		run(loss == 0 && reorder == 0 ? 3000 : 250000);
		loss = reorder = 0;
		run(1500); /* what is told last is told again */
		expect_equal(text);
		assert_int_equal(box[1].applied, i + 1);
	}
	free(text);
}

/* Edits while a transfer is under way: the last one counts. */
static void
R194_an_empty_document_goes_too(void **state)
{
	(void)state;
	stand(true, false, true);
	run(3000);
	edit(0, "");
	run(1000);
	expect_equal("");
	assert_int_equal(box[1].applied, 1);
	assert_false(config_backup_pending(box[0].b) || config_backup_pending(box[1].b));
}

/* Some of it has arrived, most has not. */
static void
begin_long_transfer(void)
{
	const size_t size = 200000;
	char *text = calloc(1, size + 1);

	assert_non_null(text);
	memset(text, 'x', size);
	stand(true, false, true);
	run(3000);
	edit(0, text);
	free(text);
	run(30);
}

static void
an_edit_in_the_middle_of_a_transfer(void **state)
{
	(void)state;
	begin_long_transfer();
	assert_string_equal(config_backup_state_names[status(0).state], "running");
	edit(0, "short");
	run(2000);
	expect_equal("short");
}

/* A master that dies in the middle leaves nothing behind. */
static void
a_transfer_that_is_broken_off_changes_nothing(void **state)
{
	(void)state;
	begin_long_transfer();
	stand(true, true, false);
	box[0].count = box[1].count = 0;
	run(1000);
	assert_string_equal(box[1].file, "first");
	assert_int_equal(box[1].applied, 0);
	assert_string_equal(config_backup_state_names[status(1).state], "alone");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R190_R192_the_config_master),
		TEST(R187_R194_an_edit_is_at_the_peer_at_once),
		TEST(R188_R190_load_sharing_has_one_master_and_one_direction),
		TEST(R185_R191_the_standby_is_locked_while_the_peer_lives),
		TEST(R192_the_new_active_box_is_the_master),
		TEST(R197_off_nothing_goes_but_by_order),
		TEST(refused_as_a_whole_with_the_reason_on_both_boxes),
		TEST(R194_a_bad_wire_delays_but_changes_nothing),
		TEST(R194_what_is_too_large_is_kept_back_and_both_boxes_say_so),
		TEST(R197_an_order_saves_what_could_not_be_saved),
		TEST(a_late_frame_brings_no_older_document_back),
		TEST(R192_the_newer_configuration_wins_after_both_were_down),
		TEST(R192_an_edit_on_the_master_ends_what_was_on_its_way_to_it),
		TEST(each_end_of_a_transfer_is_told_once),
		cmocka_unit_test(generations_go_round),
		TEST(R194_an_empty_document_goes_too),
		TEST(an_edit_in_the_middle_of_a_transfer),
		TEST(a_transfer_that_is_broken_off_changes_nothing),
		TEST(a_peer_that_knows_nothing_of_it_is_left_alone),
	};

	return cmocka_run_group_tests_name("config_backup", tests, NULL, NULL);
}

/*
 * Two mirrors, joined without links; the test plays both control cores.  Fake clock.  Header only,
 * so that each test program stays one file.
 */
#pragma once

#include "ha_box.h"
#include "hrp_mirror.h"
#include "repl.h"
#include "servermap.h"
#include "vgmp.h"

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

static inline bool
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

static inline int
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

static inline int
setup(void **state)
{
	(void)state;
	return setup_of(SESSIONS, SESSIONS);
}

static inline int
setup_many(void **state)
{
	(void)state;
	return setup_of(MANY, MANY);
}

static inline int
setup_small(void **state)
{
	(void)state;
	return setup_of(SESSIONS, SMALL);
}

static inline int
teardown(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		hrp_mirror_destroy(end[i].mirror);
		ha_box_stop(&end[i].box);
	}
	return 0;
}

static inline void
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

static inline void
form(void)
{
	hrp_mirror_role(end[0].mirror, true, true, now);
	hrp_mirror_role(end[1].mirror, false, true, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE, now);
	run(500);
}

static inline void
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

static inline uint32_t
expected(unsigned int box)
{
	return servermap_count(engine_servermap(end[box].box.engine));
}

static inline struct hrp_table_status
table(unsigned int box, unsigned int i)
{
	struct hrp_status st = { 0 };

	hrp_mirror_status(end[box].mirror, &st, now);
	assert_int_equal(st.tables_count, repl_table_count());
	return st.tables[i];
}

static inline uint32_t
session_at_a(uint32_t n)
{
	const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
	const uint32_t index = ha_box_session(&end[0].box, &t, SESSION_TCP_ESTABLISHED, 0, now);

	session_table_set_dirty(end[0].box.sessions, index);
	return index;
}

static inline uint32_t
at_b(uint32_t n)
{
	const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);

	return ha_box_find(&end[1].box, &t);
}

static inline uint64_t
refused_by_epoch(unsigned int box)
{
	return end[box].refused[HA_REFUSED_epoch];
}

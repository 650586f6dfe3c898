/*
 * Two engines whose session tables are replicated, records carried by hand, fake clock.  Header
 * only, so that each test program stays one file.
 */
#pragma once

#include "ha_box.h"
#include "repl.h"

#define SESSIONS 4096
#define BUFFER	 (1 << 20)

static const struct repl_table *ops; /* of sessions */

/* A box with its table and what the table has emitted. */
struct side {
	struct ha_box box;
	void *t;
	uint8_t *bytes;
	uint32_t len, room; /* room: bytes the stream would take now */
	struct repl_out out;
};

static struct side a, b;
static struct repl_methods methods = { .quick = true }; /* of sides that are started */
static mono_t now;

static inline uint8_t *
reserve(void *ctx, uint16_t len, mono_t t)
{
	struct side *s = ctx;

	(void)t;
	return s->len + len <= s->room ? s->bytes + s->len : NULL;
}

static inline void
commit(void *ctx, uint16_t len)
{
	((struct side *)ctx)->len += len;
}

static inline void
side_start(struct side *s, const char *name, uint32_t sessions)
{
	char err[128];

	*s = (struct side){ .room = BUFFER };
	ha_box_start(&s->box, name, 2, sessions, 64);
	s->t = ops->create(&(struct repl_params){ .engine = s->box.engine, .methods = methods },
		err, sizeof(err));
	assert_non_null(s->t);
	s->bytes = malloc(BUFFER);
	assert_non_null(s->bytes);
	s->out = (struct repl_out){ .ctx = s, .reserve = reserve, .commit = commit };
}

static inline void
side_stop(struct side *s)
{
	ops->destroy(s->t);
	ha_box_stop(&s->box);
	free(s->bytes);
}

static inline void
set_role(struct side *s, bool active, bool peer_active)
{
	ops->role(s->t, &(struct repl_role){
				.active = active, .peer_active = peer_active, .sending = active });
}

/* a is active and sends, b receives; the bulk round has begun on both. */
/* Once in a program, when the EAL is up. */
static inline void
sides_start(void)
{
	ops = repl_tables_get()[0];
}

static inline int
setup(void **state)
{
	uint32_t estimate;

	(void)state;
	now = (mono_t){ .ns = 1000 * NS_PER_SEC };
	side_start(&a, "ra", SESSIONS);
	side_start(&b, "rb", SESSIONS);
	set_role(&a, true, false);
	set_role(&b, false, true);
	engine_set_mirror(a.box.engine, true);
	assert_int_equal(ops->walk_begin(a.t, &estimate), SESSIONS);
	assert_true(ops->round(b.t, SESSIONS));
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	side_stop(&a);
	side_stop(&b);
	return 0;
}

static inline void
turn(uint64_t ms)
{
	now = mono_add_ms(now, ms);
	for (int i = 0; i < 40; i++) {
		ha_box_poll(&a.box, now);
		ha_box_poll(&b.box, now);
	}
}

/* Everything a has to say. */
static inline void
drain(void)
{
	for (int i = 0; i < 200; i++) {
		now.ns += 100 * NS_PER_US;
		ops->drain(a.t, &a.out, now);
	}
}

/* All of it into b, as the mirror does; workers run while a record has to wait. */
static inline uint32_t
apply(void)
{
	uint32_t refused = 0;

	for (uint32_t at = 0; at < a.len;) {
		const uint8_t len = a.bytes[at + 1];
		enum repl_verdict v;
		while ((v = ops->install(b.t, a.bytes + at, len, now)) == REPL_RETRY)
			turn(1);
		refused += v == REPL_REFUSED;
		at += len;
	}
	a.len = 0;
	return refused;
}

static inline struct hrp_session_status
stats(const struct side *s)
{
	struct hrp_session_status st;

	ops->status(s->t, &st);
	return st;
}

static inline struct repl_digest
sweep(void)
{
	struct repl_digest d;

	while (ops->sweep(b.t, &d) != REPL_DONE)
		turn(1);
	turn(1);
	return d;
}

static inline void
assert_equal_digests(void)
{
	struct repl_digest want;

	const struct repl_digest have = sweep();
	ops->sent(a.t, &want);
	assert_int_equal(have.count, want.count);
	assert_true(have.sum == want.sum);
}

static inline struct nat_groups *
groups_of(const struct side *s)
{
	return engine_nat_groups(s->box.engine);
}

/* Ports in use of the group "office" (ha_box.h). */
static inline uint32_t
ports_used(const struct side *s)
{
	struct nat_usage u;

	u = nat_pool_usage(nat_groups_pool(groups_of(s), nat_groups_find(groups_of(s), "office")),
		NAT_POOL_UNOWNED);
	return u.used[0] + u.used[1] + u.used[2];
}

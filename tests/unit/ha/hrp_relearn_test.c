/* SPDX-License-Identifier: BSD-3-Clause */
#include "hrp_relearn.h"
#include "table_open.h"
#include "test_eal.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LEARN (SESSION_F_LEARN0 | SESSION_F_LEARN1)

static void
R174_open_connections_of_our_own_learn_again(void **state)
{
	static const uint32_t others[] = { SESSION_F_REMOTE, SESSION_F_DEAD, SESSION_F_LOCAL };
	struct rcu *rcu;
	struct session_table *t = table_open(
		(struct session_table_params){
			.name = "relearn", .max_sessions = 4096, .shards = 1 },
		&rcu);
	struct hrp_relearn l = { .orders = 0 };

	(void)state;
	assert_non_null(t);
	const uint32_t capacity = session_table_capacity(t);

	/* Every state, plain and with each flag that makes it another's. */
	for (uint32_t i = 0; i < capacity; i++)
		atomic_store(&session_table_at(t, i)->ctl,
			i % SESSION_STATES | (i % 4 < 3 ? others[i % 4] : 0) | SESSION_KIND_SWAP);
	assert_int_equal(hrp_relearn_poll(&l, t), 0); /* nobody has asked */
	hrp_relearn_order(&l);
	for (uint32_t i = 0; i <= capacity / 1024; i++)
		hrp_relearn_poll(&l, t);
	for (uint32_t i = 0; i < capacity; i++) {
		const uint32_t ctl = atomic_load(&session_table_at(t, i)->ctl);
		const uint32_t s = i % SESSION_STATES;
		const bool open =
			i % 4 == 3 && s >= SESSION_TCP_ESTABLISHED && s <= SESSION_TCP_CLOSING;

		assert_int_equal(ctl & LEARN, open ? LEARN : 0);
		assert_int_equal(
			ctl & ~LEARN, s | (i % 4 < 3 ? others[i % 4] : 0) | SESSION_KIND_SWAP);
		atomic_store(&session_table_at(t, i)->ctl, 0);
	}
	assert_int_equal(hrp_relearn_poll(&l, t), 0); /* once */
	table_close(t, rcu);
}

/* An order that comes during a walk is a walk of its own: what it has passed is old again. */
static void
an_order_during_the_walk_is_not_lost(void **state)
{
	struct rcu *rcu;
	struct session_table *t = table_open(
		(struct session_table_params){
			.name = "relearn", .max_sessions = 4096, .shards = 1 },
		&rcu);
	struct hrp_relearn l = { .orders = 0 };
	struct session *s = session_table_at(t, 0);

	(void)state;
	atomic_store(&s->ctl, SESSION_TCP_ESTABLISHED);
	hrp_relearn_order(&l);
	assert_int_equal(hrp_relearn_poll(&l, t), 1);
	atomic_store(&s->ctl, SESSION_TCP_ESTABLISHED);
	hrp_relearn_order(&l);
	for (uint32_t i = 0; i <= 2 * session_table_capacity(t) / 1024; i++)
		hrp_relearn_poll(&l, t);
	assert_int_equal(atomic_load(&s->ctl) & LEARN, LEARN);
	atomic_store(&s->ctl, 0);
	table_close(t, rcu);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R174_open_connections_of_our_own_learn_again),
		cmocka_unit_test(an_order_during_the_walk_is_not_lost),
	};

	test_eal_start(1024, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
